// How the page looks: on any screen, in light and dark, and to those who do not see it. With B2NEON_SCREENSHOTS set,
// pictures of its upper part are left in that directory.

import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { FilesPage, file, launch, newUser } from './browser.mjs';
import { landscapes } from './pictures.mjs';

const { B2NEON_SCREENSHOTS } = process.env;
const LONG = `a name that somebody has given without a thought of telephones ${'and-on-'.repeat(20)}.zip`;

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

async function screenshot(page, name) {
  if (!B2NEON_SCREENSHOTS) return;
  await mkdir(B2NEON_SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: join(B2NEON_SCREENSHOTS, `${name}.png`) });
}

/** A page with files, uploads on their way, and one that failed. */
async function busyPage(context, user, { isFirst }) {
  const page = await FilesPage.open(context, user);
  if (isFirst) {
    await page.choose(
      file('Minutes of the meeting.pdf', 'application/pdf', Buffer.alloc(812_345)),
      file('todo.txt', 'text/plain', 'milk'),
      file(LONG, 'application/zip', 'x'),
      ...(await landscapes(context)),
    );
    await page.page.waitForFunction(() => document.querySelectorAll('[data-state=done]').length === 7);
    await page.page.getByRole('button', { name: 'Clear finished' }).click();
  }
  await page.page.waitForFunction(
    () => [...document.querySelectorAll('#files img')].filter((image) => image.naturalWidth).length === 4,
  );
  await page.limitUploads(400_000);
  await page.choose(
    file('holiday.mp4', 'video/mp4', Buffer.alloc(3_000_000)),
    file(LONG, 'application/zip', Buffer.alloc(3_000_000)),
    file('draft', 'nonsense', 'x'),
  );
  await page.outcome('draft', 'failed');
  await page.page.waitForFunction(() => document.querySelector('progress').value > 0.15);
  return page.page;
}

/** Elements that can be used, and that a screen reader has no name for. */
function nameless() {
  return [...document.querySelectorAll('a, button, input, select, progress')]
    .filter((element) => element.checkVisibility() || element.type === 'file')
    .filter((element) => {
      const label = element.ariaLabel || element.labels?.[0]?.textContent || element.textContent;
      return !label?.trim();
    })
    .map((element) => element.outerHTML);
}

test('it fits any screen, in light and dark, and everything has a name', async () => {
  const user = newUser();
  let isFirst = true;
  for (const [name, colorScheme, width, height] of [
    ['light', 'light', 900, 1000],
    ['dark', 'dark', 900, 1000],
    ['phone', 'light', 320, 640],
    ['phone-dark', 'dark', 375, 812],
  ]) {
    const context = await browser.newContext({ colorScheme, viewport: { width, height } });
    const complaints = [];
    context.on('weberror', (error) => complaints.push(String(error.error())));
    const page = await busyPage(context, user, { isFirst });
    isFirst = false;
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width, name);
    assert.deepEqual(await page.evaluate(nameless), [], name);
    const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const brightness = Math.max(...background.match(/\d+/g).slice(0, 3).map(Number));
    assert.ok(colorScheme === 'dark' ? brightness < 80 : brightness > 200, `${name}: ${background}`);
    for (const row of await page.locator('#files .name', { hasText: LONG }).all()) {
      assert.ok((await row.boundingBox()).height < 100, `${name}: a long name takes it all`);
    }
    await screenshot(page, name);
    assert.deepEqual(complaints, []);
    await context.close();
  }
});
