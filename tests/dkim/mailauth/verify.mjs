// Verifies every message of a folder with mailauth: one JSON object a line, {"file", "results": ["pass", ...]}.
// Public keys come from a file of records, name to TXT: nothing is asked of the DNS.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createRequire } from 'node:module';

const [modules, folder, recordsFile] = process.argv.slice(2);
const require = createRequire(join(modules, 'package.json'));
const { dkimVerify } = require('mailauth/lib/dkim/verify');
const records = JSON.parse(readFileSync(recordsFile, 'utf8'));

async function resolver(name, type) {
    if (type === 'TXT' && records[name]) return [[records[name]]];
    const error = new Error('not found');
    error.code = 'ENOTFOUND';
    throw error;
}

for (const file of readdirSync(folder).sort()) {
    const { results } = await dkimVerify(readFileSync(join(folder, file)), { resolver });
    console.log(JSON.stringify({ file, results: results.map(one => one.status.result) }));
}
