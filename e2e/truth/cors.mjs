// A page calls APIs of another origin. Usage: cors.mjs PAGE_URL ALLOWING_API DENYING_API
// Prints as JSON what the page saw of each call: the status and the body, or the name of the error.
import { launch } from '../browser.mjs';

const [page, allowing, denying] = process.argv.slice(2);
const browser = await launch();
try {
    const tab = await browser.newPage();
    await tab.goto(page);
    const saw = await tab.evaluate(async (allowing, denying) => {
        const answer = { do: 'return', value: { statusCode: 200, headers: { 'x-b': 'b', 'x-c': 'c' }, body: 'hello' } };
        const headers = {};
        const call = async (url, options) => {
            try {
                const response = await fetch(url, options);
                headers.exposed = response.headers.get('x-b');
                headers.hidden = String(response.headers.get('x-c'));
                return `${response.status} ${await response.text()}`;
            } catch (err) {
                return err.name;
            }
        };
        return {
            forbidden: await call(denying, { method: 'POST', body: JSON.stringify(answer) }),
            simple: await call(allowing, { method: 'POST', body: JSON.stringify(answer) }),
            preflighted: await call(allowing, { method: 'PUT', headers: { 'x-a': 'a' }, body: JSON.stringify(answer) }),
            ...headers,
        };
    }, allowing, denying);
    console.log(JSON.stringify(saw));
} finally {
    await browser.close();
}
