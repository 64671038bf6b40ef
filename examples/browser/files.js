// The list of a user's files.

import { list, remove } from './api.js';
import { formatDate, formatSize, formatTime } from './format.js';

// Larger pictures would be loaded whole for a small thumbnail.
const LARGEST_THUMBNAIL = 20_000_000;

/** For how many milliseconds a presigned link is good. */
function lifetime(url) {
  return Number(new URL(url, location.href).searchParams.get('X-Amz-Expires')) * 1000;
}

export class Files {
  #user = null;
  #rows = new Map();
  #next = null;
  #loading = new AbortController();
  #timer = 0;
  #staleAt = Infinity;
  #section = document.querySelector('#files');
  #status = document.querySelector('#files-status');
  #more = document.querySelector('#more');
  #moreBar = document.querySelector('#more-bar');
  #template = document.querySelector('#file-template');
  #heading = document.querySelector('#files-heading');
  #dialog = document.querySelector('#confirm');

  constructor() {
    document.querySelector('#reload').addEventListener('click', () => this.reload());
    this.#more.addEventListener('click', () => this.#showMore());
    document.addEventListener('visibilitychange', () => this.#renew());
  }

  show(user) {
    this.#user = user;
    this.#next = null;
    this.#rows.clear();
    this.#section.replaceChildren();
    this.#moreBar.hidden = true;
    return this.reload();
  }

  /** Fetches as many files as are shown, and at least a page of them. */
  async reload() {
    await this.#load(async (signal) => {
      const files = [];
      let next = null;
      do {
        const page = await list(this.#user, next, signal);
        files.push(...page.files);
        next = page.next;
      } while (next && files.length < this.#rows.size);
      this.#next = next;
      this.#render(files);
      this.#renewBefore(files);
    });
  }

  async #showMore() {
    await this.#load(async (signal) => {
      const page = await list(this.#user, this.#next, signal);
      this.#next = page.next;
      for (const file of page.files) this.#section.append(this.#row(file));
      const [first] = page.files;
      if (first) this.#rows.get(first.id).querySelector('.view').focus();
    });
  }

  /** The latest call wins: an answer to an earlier one is not looked at. */
  async #load(work) {
    this.#loading.abort();
    this.#loading = new AbortController();
    const { signal } = this.#loading;
    this.#section.setAttribute('aria-busy', 'true');
    try {
      await work(signal);
      this.#say(this.#rows.size ? '' : 'Nothing here yet.');
    } catch (error) {
      if (signal.aborted) return;
      this.#say(error.message, true);
    }
    this.#section.setAttribute('aria-busy', 'false');
    this.#moreBar.hidden = !this.#next;
  }

  #say(text, isError = false) {
    this.#status.textContent = text;
    this.#status.classList.toggle('error', isError);
  }

  /** Links are asked for again at half of their life, while somebody looks. */
  #renewBefore(files) {
    clearTimeout(this.#timer);
    const half = Math.min(...files.map(({ url }) => lifetime(url) || Infinity)) / 2;
    this.#staleAt = Date.now() + half;
    // A timer cannot wait for longer than 31 bits of milliseconds.
    if (half < 2 ** 31) this.#timer = setTimeout(() => this.#renew(), half);
  }

  #renew() {
    if (!document.hidden && Date.now() >= this.#staleAt) this.reload();
  }

  #render(files) {
    const ids = new Set(files.map(({ id }) => id));
    for (const [id, row] of this.#rows) {
      if (ids.has(id)) continue;
      row.remove();
      this.#rows.delete(id);
    }
    files.forEach((file, position) => {
      const row = this.#row(file);
      // A row that stays in its place keeps the focus.
      if (this.#section.children[position] !== row) {
        this.#section.insertBefore(row, this.#section.children[position] ?? null);
      }
    });
  }

  /** The file's row, with the latest links. */
  #row(file) {
    let row = this.#rows.get(file.id);
    if (!row) {
      row = this.#newRow(file);
      this.#rows.set(file.id, row);
    }
    row.querySelector('.view').href = file.url;
    row.querySelector('.download').href = file.downloadUrl;
    const picture = row.querySelector('img');
    const isPicture = file.contentType?.startsWith('image/') && file.size <= LARGEST_THUMBNAIL;
    // A picture that is there is not loaded again.
    if (isPicture && !picture.naturalWidth) {
      picture.hidden = false;
      picture.src = file.url;
    }
    return row;
  }

  #newRow(file) {
    const row = this.#template.content.firstElementChild.cloneNode(true);
    const name = file.fileName ?? file.objectKey;
    Object.assign(row.querySelector('.name'), { textContent: name, title: name });
    row.querySelector('.kind').textContent = name.match(/\.(\w{1,5})$/)?.[1] ?? 'file';
    row.querySelector('.size').textContent = file.size === null ? '' : formatSize(file.size);
    const time = row.querySelector('time');
    time.dateTime = file.uploadedAt;
    time.textContent = formatDate(file.uploadedAt);
    time.title = formatTime(file.uploadedAt);
    const picture = row.querySelector('img');
    picture.addEventListener('error', () => (picture.hidden = true));
    row.querySelector('.download').setAttribute('aria-label', `Download ${name}`);
    const button = row.querySelector('.delete');
    button.setAttribute('aria-label', `Delete ${name}`);
    button.addEventListener('click', () => this.#delete(file.id, name));
    return row;
  }

  async #delete(id, name) {
    const user = this.#user;
    if (!(await this.#confirm(`Delete ${name}?`))) return;
    try {
      await remove(user, id);
    } catch (error) {
      // 404: somebody else was faster.
      if (error.status !== 404) {
        this.#say(`${name} was not deleted: ${error.message}`, true);
        return;
      }
    }
    const row = this.#rows.get(id);
    if (!row || user !== this.#user) return;
    const neighbour = row.nextElementSibling ?? row.previousElementSibling;
    row.remove();
    this.#rows.delete(id);
    (neighbour?.querySelector('.delete') ?? this.#heading).focus();
    this.#say(`${name} is deleted.`);
  }

  #confirm(question) {
    this.#dialog.querySelector('#confirm-text').textContent = question;
    this.#dialog.returnValue = '';
    this.#dialog.showModal();
    return new Promise((resolve) => {
      this.#dialog.addEventListener('close', () => resolve(this.#dialog.returnValue === 'delete'), {
        once: true,
      });
    });
  }
}
