// The browser, and the page in it.

import { chromium } from 'playwright-core';

export const { BACKEND_URL, OTHER_URL } = process.env;

/** Debian's Chromium. Its sandbox does not work as root, and everything that is shown here is our own. */
export function launch() {
  return chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-background-networking'],
  });
}

let users = 0;

/** A name that no other test uses. */
export function newUser() {
  users += 1;
  return `user_${process.pid}_${users}`;
}

/** A file for setInputFiles(). */
export function file(name, mimeType, content) {
  return { name, mimeType, buffer: Buffer.from(content) };
}

/** The page, signed in as `user`, who is none of the three that it offers. */
export class FilesPage {
  constructor(page) {
    this.page = page;
    this.picker = page.locator('#picker');
    this.uploads = page.getByRole('list', { name: 'Uploads' }).getByRole('listitem');
    this.files = page.getByRole('list', { name: 'Your files' }).getByRole('listitem');
    this.summary = page.locator('#uploads-summary');
    this.filesStatus = page.locator('#files-status');
    this.uploadsStatus = page.locator('#uploads-status');
  }

  static async open(context, user, url = BACKEND_URL) {
    const page = await context.newPage();
    page.setDefaultTimeout(15_000);
    await page.goto(url);
    const own = new FilesPage(page);
    await own.signIn(user);
    return own;
  }

  async signIn(user) {
    await this.page.locator('#user').evaluate((select, name) => select.add(new Option(name)), user);
    await this.page.getByLabel('Demo user').selectOption(user);
  }

  async choose(...files) {
    await this.picker.setInputFiles(files);
  }

  upload(name) {
    return this.uploads.filter({ hasText: name });
  }

  file(name) {
    return this.files.filter({ hasText: name });
  }

  /** Waits until the upload is in this state, and gives what the page says of it. */
  async outcome(name, state) {
    await this.page.locator(`#uploads [data-state="${state}"]`, { hasText: name }).waitFor();
    return this.upload(name).locator('.message').textContent();
  }

  async names() {
    return this.files.locator('.name').allTextContents();
  }

  /** Sends no more than this many bytes a second; null: as many as it can. */
  async limitUploads(bytes) {
    this.network ??= await this.page.context().newCDPSession(this.page);
    await this.network.send('Network.enable');
    await this.network.send('Network.emulateNetworkConditions', {
      offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: bytes ?? -1,
    });
  }
}
