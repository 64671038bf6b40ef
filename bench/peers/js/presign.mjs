// Presigns with the AWS SDK for JavaScript, or with the signer alone that it has inside, as
// bench/presign.py asks.
//
// In: a line of JSON that says where and what, then a line with a number for each sample.
// Out: a line of JSON about itself, then one for each sample.

import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { formatUrl } from "@aws-sdk/core/util";
import { getSignedUrl, S3RequestPresigner } from "@aws-sdk/s3-request-presigner";
import { HttpRequest } from "@smithy/core/protocols";

// So many are awaited together: a little faster than one by one, and than a hundred.
const TOGETHER = 10;

function configuration(task) {
  return {
    endpoint: task.endpoint,
    region: task.region,
    forcePathStyle: true,
    credentials: { accessKeyId: task.key_id, secretAccessKey: task.application_key },
    // No parameter for the checksum of the answer.
    responseChecksumValidation: "WHEN_REQUIRED",
  };
}

// What the documentation shows, with one client.
function byClient(task) {
  const client = new S3Client(configuration(task));
  const options = { expiresIn: task.expires_in };
  return (key) => {
    const command = new GetObjectCommand({ Bucket: task.bucket, Key: key });
    return getSignedUrl(client, command, options);
  };
}

// Less than getSignedUrl does: no encoding of the key, no choice of endpoint, no middleware.
function bySigner(task) {
  const presigner = new S3RequestPresigner({ ...new S3Client(configuration(task)).config });
  const { protocol, hostname } = new URL(task.endpoint);
  const options = { expiresIn: task.expires_in };
  return async (key) => {
    const path = `/${task.bucket}/${key}`;
    const headers = { host: hostname };
    const request = new HttpRequest({ method: "GET", protocol, hostname, path, headers });
    return formatUrl(await presigner.presign(request, options));
  };
}

function versionOf(name) {
  const file = new URL(`node_modules/${name}/package.json`, import.meta.url);
  return JSON.parse(readFileSync(file)).version;
}

function answer(values) {
  process.stdout.write(`${JSON.stringify(values)}\n`);
}

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const task = JSON.parse((await lines.next()).value);
const presign = { client: byClient, signer: bySigner }[process.argv[2]](task);
const versions = { "Node.js": process.versions.node };
for (const name of ["@aws-sdk/client-s3", "@aws-sdk/s3-request-presigner"]) {
  versions[name] = versionOf(name);
}
let place = 0;
const nextKey = () => task.keys[place++ % task.keys.length];
answer({ versions, url: await presign(nextKey()) });

for await (const line of lines) {
  const count = Number(line);
  let url;
  const start = performance.now();
  for (let left = count; left > 0; left -= TOGETHER) {
    const pending = [];
    for (let i = 0; i < Math.min(left, TOGETHER); i++) pending.push(presign(nextKey()));
    url = (await Promise.all(pending)).at(-1);
  }
  answer({ seconds: (performance.now() - start) / 1000, urls: count, url });
}
