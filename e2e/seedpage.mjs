// Opens the essay's page and prints what its table shows. Usage: seedpage.mjs PAGE_URL CLOUD_HOST:PORT
// The page's code names AWS's host; the browser is told where that is.
import { launch } from './browser.mjs';

const [page, cloud] = process.argv.slice(2);
const browser = await launch([
    `--host-resolver-rules=MAP *.execute-api.us-east-1.amazonaws.com:443 ${cloud}`,
    '--ignore-certificate-errors',
]);
try {
    const tab = await browser.newPage();
    tab.on('console', m => console.error('page:', m.text()));
    await tab.goto(page);
    await tab.waitForFunction(() => document.querySelector('.stock-table td.price')?.textContent, { timeout: 120_000 });
    console.log(await tab.$eval('.stock-table tr', row => [...row.cells].map(c => c.textContent).join(' ')));
} finally {
    await browser.close();
}
