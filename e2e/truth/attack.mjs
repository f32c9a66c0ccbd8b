// Pages of strangers try to drive a cloud on this machine. Every name under evil.example leads to the loopback, as it does for
// whoever has been tricked by DNS. Usage: attack.mjs CLOUD_URL STRANGER_URL API_URL PRESIGNED_LINK
// Prints as JSON what came of each attempt: a status, or what the page saw.
import { launch } from '../browser.mjs';

const [cloud, stranger, api, link] = process.argv.slice(2);
const port = new URL(cloud).port;
const evil = url => url.replace('127.0.0.1', 'evil.example');
const browser = await launch(['--host-resolver-rules=MAP *.evil.example 127.0.0.1, MAP evil.example 127.0.0.1']);

// open loads a page and returns it with the statuses of the answers that it gets from the cloud, by method and path.
async function open(url) {
    const tab = await (await browser.createBrowserContext()).newPage();
    const statuses = {};
    tab.on('response', r => {
        const at = new URL(r.url());
        if (at.port === port) statuses[`${r.request().method()} ${at.pathname}`] = r.status();
    });
    const response = await tab.goto(url);
    return { tab, statuses, response };
}

const socket = (tab, url) => tab.evaluate(url => new Promise(done => {
    const s = new WebSocket(url);
    s.onopen = () => { s.close(); done('open'); };
    s.onerror = () => done('refused');
}), url);

const call = (tab, url, options) => tab.evaluate(async (url, options) => {
    try {
        const r = await fetch(url, options);
        return `${r.type} ${r.status} ${await r.text()}`;
    } catch (err) {
        return err.name;
    }
}, url, options);

try {
    const saw = {};
    // A page whose own name was made to lead to the cloud: to the browser everything there is of the page's own origin.
    const rebound = await open(evil(cloud) + '/_quotewire/health');
    saw.reboundPage = `${rebound.response.status()} ${await rebound.response.text()}`;
    saw.reboundServices = await call(rebound.tab, '/2015-03-31/functions');
    saw.reboundAPI = await call(rebound.tab, new URL(api).pathname);
    saw.reboundSocket = await socket(rebound.tab, evil(api));
    saw.reboundLink = await call(rebound.tab, evil(link));

    // A page of another site.
    const foreign = await open(evil(stranger));
    saw.foreignRead = await call(foreign.tab, cloud + '/_quotewire/health');
    await call(foreign.tab, cloud + '/2015-03-31/functions', { method: 'POST', mode: 'no-cors', headers: { 'Content-Type': 'text/plain' }, body: '{}' });
    await call(foreign.tab, cloud + '/bucket', { method: 'POST', mode: 'no-cors', credentials: 'include' });
    saw.foreignPreflight = await call(foreign.tab, cloud + '/v2/apis', { method: 'DELETE', headers: { 'X-Amz-Date': 'x' } });
    saw.foreignServicesSocket = await socket(foreign.tab, cloud.replace('http', 'ws') + '/2015-03-31/functions');
    await foreign.tab.evaluate(url => new Promise(done => {
        const image = new Image();
        image.onload = image.onerror = done;
        image.src = url;
    }), cloud + '/_quotewire/health?image');
    saw.foreignAPISocket = await socket(foreign.tab, api);
    saw.foreign = foreign.statuses;

    // A form needs no script's leave to be sent, and its answer becomes the page.
    const form = await open(evil(stranger));
    await Promise.all([form.tab.waitForNavigation(), form.tab.evaluate(cloud => {
        const f = document.createElement('form');
        f.method = 'POST';
        f.action = cloud;
        for (const [name, value] of [['Action', 'CreateUser'], ['Version', '2010-05-08'], ['UserName', 'evil']]) {
            const i = document.createElement('input');
            [i.name, i.value] = [name, value];
            f.append(i);
        }
        document.body.append(f);
        f.submit();
    }, cloud)]);
    saw.form = form.statuses['POST /'];

    // A page of this machine may, and is told what it lacks.
    const own = await open(stranger);
    await call(own.tab, cloud + '/2015-03-31/functions', { method: 'POST', mode: 'no-cors', body: '{}' });
    saw.own = own.statuses['POST /2015-03-31/functions'];
    saw.ownSocket = await socket(own.tab, api);
    console.log(JSON.stringify(saw));
} finally {
    await browser.close();
}
