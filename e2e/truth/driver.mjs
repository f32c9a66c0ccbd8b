// Makes calls with the AWS SDK for JavaScript for the tests of this folder, in the manner of driver.py: one JSON object a
// line in, one a line out. Services are named as boto3 names them, operations as AWS does.
import { createInterface } from 'node:readline';

const clients = new Map();

const packages = { logs: 'cloudwatch-logs' };

async function client(call) {
    const key = JSON.stringify([call.service, call.endpoint, call.key, call.secret, call.token]);
    if (!clients.has(key)) {
        const sdk = await import(`@aws-sdk/client-${packages[call.service] ?? call.service}`);
        const name = Object.keys(sdk).find(n => n.endsWith('Client') && !n.startsWith('__') && sdk[n].prototype?.send);
        const options = { endpoint: call.endpoint, region: 'us-east-1', maxAttempts: 1, forcePathStyle: true };
        if (call.key) {
            options.credentials = { accessKeyId: call.key, secretAccessKey: call.secret, sessionToken: call.token || undefined };
        } else {
            options.signer = { sign: async request => request };
        }
        const made = new sdk[name](options);
        clients.set(key, { sdk, made });
    }
    return clients.get(key);
}

function decode(v) {
    if (Array.isArray(v)) return v.map(decode);
    if (v && typeof v === 'object') {
        if (Object.keys(v).length === 1 && '$bytes' in v) return Buffer.from(v.$bytes, 'base64');
        return Object.fromEntries(Object.entries(v).map(([k, x]) => [k, decode(x)]));
    }
    return v;
}

async function encode(v) {
    if (v?.transformToByteArray) return { $bytes: Buffer.from(await v.transformToByteArray()).toString('base64') };
    if (v instanceof Uint8Array) return { $bytes: Buffer.from(v).toString('base64') };
    if (v instanceof Date) return v.toISOString();
    if (Array.isArray(v)) return Promise.all(v.map(encode));
    if (v?.[Symbol.asyncIterator]) {
        const all = [];
        for await (const x of v) all.push(await encode(x));
        return all;
    }
    if (v && typeof v === 'object') {
        const all = {};
        for (const [k, x] of Object.entries(v)) all[k] = await encode(x);
        return all;
    }
    return v;
}

async function answer(call) {
    const out = { id: call.id };
    try {
        const { sdk, made } = await client(call);
        const command = new sdk[`${call.operation}Command`](decode(call.params ?? {}));
        let seen;
        command.middlewareStack.add(next => async args => {
            const result = await next(args);
            seen = result.response;
            return result;
        }, { step: 'deserialize', priority: 'low', name: 'seenByCall' });
        try {
            const { $metadata, ...rest } = await made.send(command);
            Object.assign(out, { status: seen?.statusCode ?? $metadata.httpStatusCode, headers: seen?.headers, answer: await encode(rest) });
        } catch (err) {
            const { $metadata, $fault, $service, $response, ...rest } = err;
            Object.assign(out, {
                status: seen?.statusCode ?? $metadata?.httpStatusCode ?? 0, headers: seen?.headers ?? $response?.headers,
                code: err.name, message: err.message, answer: JSON.parse(JSON.stringify(rest)),
            });
        }
    } catch (err) {
        Object.assign(out, { status: 0, code: err.name, message: String(err.stack) });
    }
    console.log(JSON.stringify(out));
}

for await (const line of createInterface({ input: process.stdin })) answer(JSON.parse(line));
