// The essay's page code hands quotes to this class, which an earlier essay has. It shows cents as dollars.
class QuoteWatcher {
    constructor(table, templ) {
        this.table = table;
        this.templ = templ;
    }

    quotes(lines) {
        for (const { ticker, price } of lines) {
            const row = this.templ.content.cloneNode(true);
            row.querySelector('.ticker').textContent = ticker;
            row.querySelector('.price').textContent = '$' + (price / 100).toFixed(2);
            this.table.appendChild(row);
        }
    }
}

export { QuoteWatcher };
