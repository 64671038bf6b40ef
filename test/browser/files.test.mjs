// The list of what is there.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { FilesPage, file, launch, newUser } from './browser.mjs';
import { landscapes } from './pictures.mjs';
import { column } from './sql.mjs';

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

test('a second user does not see the first one’s files', async () => {
  const context = await browser.newContext();
  const page = await FilesPage.open(context, newUser());
  await page.choose(file('private.txt', 'text/plain', 'mine'));
  await page.outcome('private.txt', 'done');
  await page.file('private.txt').waitFor();

  const second = newUser();
  await page.signIn(second);
  await page.filesStatus.filter({ hasText: 'Nothing here yet.' }).waitFor();
  assert.deepEqual(await page.names(), []);
  assert.equal(await page.uploads.count(), 0);

  const other = await FilesPage.open(context, second);
  await other.filesStatus.filter({ hasText: 'Nothing here yet.' }).waitFor();
  assert.equal(await other.page.getByText('private.txt').count(), 0);
  await context.close();
});

test('pictures are shown, and other files by their kind', async () => {
  const context = await browser.newContext();
  const page = await FilesPage.open(context, newUser());
  const [picture] = await landscapes(context);
  await page.choose(picture, file('broken.png', 'image/png', 'no picture'), file('a.pdf', 'application/pdf', 'x'));
  for (const name of [picture.name, 'broken.png', 'a.pdf']) await page.file(name).waitFor();
  await page.page.waitForFunction(
    () => [...document.querySelectorAll('#files img')].filter((image) => image.naturalWidth === 640).length === 1,
  );
  await page.file('broken.png').locator('img').waitFor({ state: 'hidden' });
  assert.equal(await page.file('a.pdf').locator('.kind').textContent(), 'pdf');
  await context.close();
});

test('a deleted file is gone for good', async () => {
  const context = await browser.newContext();
  const user = newUser();
  const page = await FilesPage.open(context, user);
  await page.choose(file('stays.txt', 'text/plain', '1'), file('goes.txt', 'text/plain', '2'));
  await page.file('goes.txt').waitFor();
  await page.file('stays.txt').waitFor();
  const remove = page.page.getByRole('button', { name: 'Delete goes.txt' });
  const dialog = page.page.getByRole('dialog', { name: 'Delete goes.txt?' });

  await remove.click();
  await dialog.getByRole('button', { name: 'Keep' }).click();
  assert.equal(await page.files.count(), 2);

  await remove.click();
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await page.filesStatus.filter({ hasText: 'goes.txt is deleted.' }).waitFor();
  assert.deepEqual(await page.names(), ['stays.txt']);
  const found = column("SELECT file_name FROM b2_files WHERE user_id = :'user'", { user });
  assert.deepEqual(found, ['stays.txt']);
  const queued = column(
    "SELECT count(*) FROM b2_deletions d JOIN b2_uploads u USING (object_key) WHERE u.user_id = :'user'",
    { user },
  );
  assert.deepEqual(queued, ['1']);
  await context.close();
});

test('names are text, whatever is in them', async () => {
  const context = await browser.newContext();
  const page = await FilesPage.open(context, newUser());
  const name = '<img src=x onerror=alert(1)>.txt';
  page.page.on('dialog', () => assert.fail('a name was run'));
  await page.choose(file(name, 'text/html', '<script>alert(1)</script>'));
  await page.file(name).waitFor();
  assert.deepEqual(await page.names(), [name]);
  await context.close();
});

test('there are more pages', async () => {
  const context = await browser.newContext();
  const user = newUser();
  column(
    `INSERT INTO b2_files (object_key, user_id, file_name, size, upload_timestamp)
     SELECT :'user' || n, :'user', 'file ' || n, n, now() - n * interval '1 minute' FROM generate_series(1, 120) n`,
    { user },
  );
  const page = await FilesPage.open(context, user);
  const more = page.page.getByRole('button', { name: 'Show more' });
  for (const shown of [50, 100, 120]) {
    await page.files.nth(shown - 1).waitFor();
    assert.equal(await page.files.count(), shown);
    if (shown < 120) await more.click();
  }
  await more.waitFor({ state: 'hidden' });
  const names = await page.names();
  assert.deepEqual(names, Array.from({ length: 120 }, (_, i) => `file ${i + 1}`));
  await context.close();
});
