// What does not work, and what the page says of it.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { after, before, test } from 'node:test';
import { BACKEND_URL, FilesPage, OTHER_URL, file, launch, newUser } from './browser.mjs';
import { shortLink } from './sql.mjs';

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

const TEXT = file('a.txt', 'text/plain', 'some text');

/** A context in which the page's picker has these attributes, as its operator would have written them. */
async function contextWithPicker(attributes) {
  const context = await browser.newContext();
  await context.addInitScript((attributes) => {
    new MutationObserver((_, observer) => {
      const picker = document.querySelector('#picker');
      if (!picker) return;
      for (const [name, value] of Object.entries(attributes)) picker.setAttribute(name, value);
      observer.disconnect();
    }).observe(document, { childList: true, subtree: true });
  }, attributes);
  return context;
}

/** The backend's answers to presign-b2-upload go through `change`. */
async function changeAnswers(page, change) {
  let answers = 0;
  await page.page.route('**/presign-b2-upload', async (route) => {
    const response = await route.fetch();
    answers += 1;
    await route.fulfill({ response, json: await change(await response.json(), answers) });
  });
  return () => answers;
}

/** A port on which nobody listens. */
async function closedPort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

async function expired(answer) {
  const presignedUrl = shortLink(answer.objectKey);
  await new Promise((resolve) => setTimeout(resolve, 2100));
  return { ...answer, presignedUrl };
}

test('a file of a wrong type or size is not even asked for', async () => {
  const context = await contextWithPicker({ 'data-max-size': '1000', accept: 'image/*, .pdf' });
  const page = await FilesPage.open(context, newUser());
  const asked = [];
  page.page.on('request', (request) => {
    if (request.method() !== 'GET') asked.push(request.url());
  });
  await page.choose(
    TEXT,
    file('large.png', 'image/png', Buffer.alloc(1001)),
  );
  assert.equal(
    await page.outcome('a.txt', 'failed'),
    'Files of the type text/plain cannot be uploaded here, only image/*, .pdf.',
  );
  assert.equal(
    await page.outcome('large.png', 'failed'),
    'The file is too large: it has 1,001 bytes, and the most is 1,000 bytes.',
  );
  assert.equal(await page.page.getByRole('button', { name: /^Retry/ }).count(), 0);
  assert.deepEqual(asked, []);
  assert.equal(await page.summary.textContent(), '0 of 2 uploaded, 2 failed');

  await page.choose(file('fine.png', 'image/png', Buffer.alloc(1000)), file('fine.PDF', '', 'x'));
  await page.outcome('fine.png', 'done');
  await page.outcome('fine.PDF', 'done');
  await context.close();
});

test('what the database refuses is told in its words', async () => {
  const context = await browser.newContext();
  const page = await FilesPage.open(context, newUser());
  await page.choose(file('odd', 'nonsense', 'x'));
  assert.match(await page.outcome('odd', 'failed'), /content_type/);
  assert.equal(await page.filesStatus.textContent(), 'Nothing here yet.');
  await context.close();
});

test('a link that has expired is replaced once', async () => {
  const context = await browser.newContext();
  const page = await FilesPage.open(context, newUser());
  const answers = await changeAnswers(page, async (answer, count) =>
    count === 1 ? { ...(await expired(answer)), expiresIn: 1 } : answer,
  );
  await page.choose(TEXT);
  await page.outcome('a.txt', 'done');
  assert.equal(answers(), 2);
  await context.close();
});

test('a link that has expired again is told', async () => {
  const context = await browser.newContext();
  const page = await FilesPage.open(context, newUser());
  await changeAnswers(page, async (answer) => ({ ...(await expired(answer)), expiresIn: 1 }));
  await page.choose(TEXT);
  assert.equal(
    await page.outcome('a.txt', 'failed'),
    'The link for the upload expired, and so did the one after it.',
  );
  await page.page.unroute('**/presign-b2-upload');
  await page.page.getByRole('button', { name: 'Retry the upload of a.txt' }).click();
  await page.outcome('a.txt', 'done');
  await context.close();
});

test('a store’s refusal cannot be told from a missing CORS rule, and the page says both', async () => {
  const context = await browser.newContext();
  const page = await FilesPage.open(context, newUser());
  // By the page's clock the link is good.
  await changeAnswers(page, expired);
  await page.choose(TEXT);
  assert.equal(
    await page.outcome('a.txt', 'failed'),
    `Refused or blocked: the link may have expired, or the bucket’s CORS rules do not allow this page (${BACKEND_URL}).`,
  );
  await context.close();
});

test('an origin that the bucket does not allow is told', async () => {
  const context = await browser.newContext();
  const page = await FilesPage.open(context, newUser(), OTHER_URL);
  await page.choose(TEXT);
  assert.match(await page.outcome('a.txt', 'failed'), /^Refused or blocked: .*CORS rules.*\(http:\/\/127\.0\.0\.1:/);
  assert.equal(await page.filesStatus.textContent(), 'Nothing here yet.');
  await context.close();
});

test('a store that cannot be reached is told', async () => {
  const context = await browser.newContext();
  const page = await FilesPage.open(context, newUser());
  const host = `127.0.0.1:${await closedPort()}`;
  await changeAnswers(page, async (answer) => ({ ...answer, presignedUrl: `http://${host}/bucket/key` }));
  await page.choose(TEXT);
  assert.equal(await page.outcome('a.txt', 'failed'), `The store cannot be reached at ${host}.`);
  await context.close();
});

test('a file that only seems to be stored is not recorded', async () => {
  const context = await browser.newContext();
  const page = await FilesPage.open(context, newUser());
  await page.page.route('**/*', async (route) => {
    if (route.request().method() !== 'PUT') return route.fallback();
    return route.fulfill({ status: 200, headers: { 'Access-Control-Allow-Origin': '*' } });
  });
  await page.choose(TEXT);
  assert.equal(await page.outcome('a.txt', 'failed'), 'The file has not been uploaded yet.');
  assert.equal(await page.files.count(), 0);

  await page.page.unrouteAll();
  await page.page.getByRole('button', { name: 'Retry the upload of a.txt' }).click();
  await page.outcome('a.txt', 'done');
  await context.close();
});

test('an upload waits for the network, and goes on', async () => {
  const context = await browser.newContext();
  const page = await FilesPage.open(context, newUser());
  await context.setOffline(true);
  await page.choose(TEXT);
  assert.match(await page.outcome('a.txt', 'failed'), /^You are offline\./);
  await page.page.locator('#offline').waitFor();
  await context.setOffline(false);
  await page.outcome('a.txt', 'done');
  await context.close();
});
