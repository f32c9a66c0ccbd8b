// Two people look at the page at the same time. Usage: page.mjs PAGE_URL PUBLISH_URL SCREENSHOT
// Prints what each saw as JSON; fails if something that has to appear does not.
import { launch } from './browser.mjs';

const [page, publish, screenshot] = process.argv.slice(2);
const timeout = 60_000;
const users = ['user003', 'user001'];
const browser = await launch();

// open shows the page of a user in a browser context of its own, as on a machine of its own.
async function open(user) {
    const context = await browser.createBrowserContext();
    const tab = await context.newPage();
    tab.on('pageerror', err => { console.error(`${user}: ${err}`); process.exitCode = 1; });
    await tab.setViewport({ width: 1100, height: 900 });
    await tab.goto(`${page}/#user=${user}`);
    await tab.waitForSelector('#connection[data-state="live"]', { timeout });
    await tab.waitForFunction(() => document.querySelectorAll('tr[data-ticker][data-price]').length >= 10, { timeout });
    return tab;
}

const tickers = tab => tab.$$eval('tr[data-ticker]', rows => rows.map(r => r.dataset.ticker).sort());
const shows = (tab, ticker, price) => tab.waitForFunction(
    (t, p) => document.querySelector(`tr[data-ticker="${t}"]`)?.dataset.price === p, { timeout }, ticker, String(price));

async function post(prices) {
    const answer = await fetch(publish, { method: 'POST', body: new URLSearchParams(prices) });
    if (!answer.ok) throw new Error(`POST ${JSON.stringify(prices)}: ${answer.status} ${await answer.text()}`);
}

async function add(tab, ticker) {
    await tab.focus('#ticker');
    await tab.keyboard.type(ticker);
    await tab.keyboard.press('Enter');
    await tab.waitForSelector(`tr[data-ticker="${ticker}"]`, { timeout });
}

try {
    const tabs = await Promise.all(users.map(open));
    const before = await Promise.all(tabs.map(tickers));

    // A ticker that both watch changes on both; one that only the first watches changes there only.
    let shared = before[0].find(t => before[1].includes(t));
    if (!shared) {
        shared = before[0][0];
        await add(tabs[1], shared);
    }
    const own = before[0].find(t => !before[1].includes(t));
    await post({ [shared]: 123456, [own]: 654321 });
    await Promise.all([shows(tabs[0], shared, 123456), shows(tabs[1], shared, 123456), shows(tabs[0], own, 654321)]);
    const text = await tabs[1].$eval(`tr[data-ticker="${shared}"]`, row => row.innerText);

    // The keyboard adds a ticker, a click removes it.
    const added = ['EIQQ', 'MODD', 'QUTI', 'AAPL'].find(t => !before[1].includes(t));
    if (added !== shared) await add(tabs[1], added);
    await post({ [added]: 4242 });
    await shows(tabs[1], added, 4242);
    const afterAdd = await tickers(tabs[1]);
    await tabs[1].click(`tr[data-ticker="${added}"] button`);
    await tabs[1].waitForFunction(t => !document.querySelector(`tr[data-ticker="${t}"]`), { timeout }, added);

    if (screenshot) await tabs[0].screenshot({ path: screenshot });
    await tabs[0].setViewport({ width: 390, height: 800 });
    const overflow = await tabs[0].evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    console.log(JSON.stringify({ before, shared, own, text, added, afterAdd, afterRemove: await tickers(tabs[1]), overflow }));
} finally {
    await browser.close();
}
