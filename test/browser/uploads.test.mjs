// Files on their way from the page to the store and back.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { BACKEND_URL, FilesPage, file, launch, newUser } from './browser.mjs';

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

async function download(page, name) {
  const link = page.file(name).getByRole('link', { name: `Download ${name}` });
  const [got] = await Promise.all([page.page.waitForEvent('download'), link.click()]);
  return { name: got.suggestedFilename(), bytes: await readFile(await got.path()) };
}

test('several files go to the store with progress, and come back as they were', async () => {
  const context = await browser.newContext();
  const page = await FilesPage.open(context, newUser());
  const puts = [];
  page.page.on('request', (request) => {
    if (request.method() === 'PUT') puts.push(request);
  });
  const files = [
    file('large.bin', 'application/octet-stream', randomBytes(600_000)),
    file('empty.txt', 'text/plain', ''),
    file('Ünï & "q" #1 100% 猫.txt', 'text/plain', 'miau'),
    file('no type', '', 'x'),
  ];
  await page.limitUploads(300_000);
  await page.choose(...files);
  const progress = page.upload('large.bin').getByRole('progressbar', { name: 'Upload of large.bin' });
  const seen = new Set();
  while ((await page.upload('large.bin').getAttribute('data-state')) !== 'done') {
    seen.add(await progress.evaluate((bar) => bar.value, null, { timeout: 1000 }));
    await page.page.waitForTimeout(50);
  }
  const between = [...seen].filter((value) => value > 0 && value < 1);
  assert.ok(between.length >= 3, `progress was ${[...seen]}`);

  for (const { name } of files) assert.equal(await page.outcome(name, 'done'), 'Uploaded');
  assert.equal(await page.summary.textContent(), '4 of 4 uploaded');
  assert.equal(puts.length, 4);
  for (const put of puts) assert.notEqual(new URL(put.url()).origin, BACKEND_URL);

  await page.limitUploads(null);
  for (const { name, buffer } of files) {
    const got = await download(page, name);
    assert.deepEqual(got.bytes, buffer);
    // Browsers put something else for what file systems do not take.
    assert.equal(got.name, name.replaceAll('"', '_'));
  }
  await context.close();
});

test('more files than are sent at once wait for their turn', async () => {
  const context = await browser.newContext();
  const page = await FilesPage.open(context, newUser());
  await page.limitUploads(200_000);
  const files = Array.from({ length: 7 }, (_, i) => file(`${i}.bin`, 'text/plain', randomBytes(60_000)));
  await page.choose(...files);
  assert.equal(await page.uploads.locator('.message', { hasText: 'Waiting' }).count(), 4);
  for (const { name } of files) await page.outcome(name, 'done');
  assert.equal(await page.summary.textContent(), '7 of 7 uploaded');
  await page.page.getByRole('button', { name: 'Clear finished' }).click();
  assert.equal(await page.uploads.count(), 0);
  assert.equal(await page.files.count(), 7);
  await context.close();
});

test('an upload can be cancelled in the middle, and tried again', async () => {
  const context = await browser.newContext();
  const page = await FilesPage.open(context, newUser());
  await page.limitUploads(100_000);
  await page.choose(file('long.bin', 'application/zip', randomBytes(1_000_000)));
  await page.page.waitForFunction(() => document.querySelector('progress')?.value > 0.05);
  await page.page.getByRole('button', { name: 'Cancel the upload of long.bin' }).click();
  assert.equal(await page.outcome('long.bin', 'cancelled'), 'Cancelled');
  await page.page.getByRole('button', { name: 'Reload' }).click();
  await page.filesStatus.filter({ hasText: 'Nothing here yet.' }).waitFor();

  await page.limitUploads(null);
  await page.page.getByRole('button', { name: 'Retry the upload of long.bin' }).click();
  await page.outcome('long.bin', 'done');
  await page.file('long.bin').waitFor();
  assert.deepEqual(await page.names(), ['long.bin']);
  await context.close();
});

test('files can be dropped anywhere', async () => {
  const context = await browser.newContext();
  const page = await FilesPage.open(context, newUser());
  const transfer = await page.page.evaluateHandle(() => {
    const data = new DataTransfer();
    data.items.add(new File(['dropped'], 'dropped.txt', { type: 'text/plain' }));
    return data;
  });
  await page.page.dispatchEvent('body', 'drop', { dataTransfer: transfer });
  await page.outcome('dropped.txt', 'done');
  assert.equal((await download(page, 'dropped.txt')).bytes.toString(), 'dropped');
  await context.close();
});

test('a keyboard is enough', async () => {
  const context = await browser.newContext();
  const page = await FilesPage.open(context, newUser());
  const { keyboard } = page.page;
  const focusOn = async (name) => {
    for (let i = 0; i < 20; i += 1) {
      await keyboard.press('Tab');
      const found = await page.page.evaluate(
        () => document.activeElement.ariaLabel ?? document.activeElement.labels?.[0]?.innerText ?? document.activeElement.innerText,
      );
      if (found?.startsWith(name)) return;
    }
    assert.fail(`there is no way to "${name}"`);
  };
  await focusOn('Choose files');
  const [chooser] = await Promise.all([page.page.waitForEvent('filechooser'), keyboard.press('Space')]);
  await chooser.setFiles([file('keys.txt', 'text/plain', 'keys')]);
  await page.outcome('keys.txt', 'done');
  await page.file('keys.txt').waitFor();

  await focusOn('Delete keys.txt');
  await keyboard.press('Enter');
  const dialog = page.page.getByRole('dialog', { name: 'Delete keys.txt?' });
  await dialog.waitFor();
  // What Enter does at once is harmless.
  await keyboard.press('Enter');
  await dialog.waitFor({ state: 'hidden' });
  assert.deepEqual(await page.names(), ['keys.txt']);
  assert.equal(await page.page.evaluate(() => document.activeElement.ariaLabel), 'Delete keys.txt');

  await keyboard.press('Enter');
  await dialog.waitFor();
  await focusOn('Delete');
  await keyboard.press('Enter');
  await page.filesStatus.filter({ hasText: 'keys.txt is deleted.' }).waitFor();
  assert.deepEqual(await page.names(), []);
  await context.close();
});
