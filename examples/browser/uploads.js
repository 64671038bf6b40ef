// The queue of uploads and its list in the page.

import { objection } from './checks.js';
import { formatSize } from './format.js';
import { Upload } from './upload.js';

const AT_ONCE = 3;

const MESSAGES = {
  waiting: () => 'Waiting',
  asking: () => 'Asking for a link',
  sending: ({ sent, file }) => `${Math.floor((100 * sent) / (file.size || 1))} %`,
  saving: () => 'Being checked',
  done: () => 'Uploaded',
  failed: ({ message }) => message,
  cancelled: () => 'Cancelled',
};

export class Uploads {
  #rows = new Map();
  #user = null;
  #limits;
  #onStored;
  #list = document.querySelector('#uploads');
  #bar = document.querySelector('#uploads-bar');
  #summary = document.querySelector('#uploads-summary');
  #status = document.querySelector('#uploads-status');
  #clear = document.querySelector('#clear-finished');
  #template = document.querySelector('#upload-template');
  #picker = document.querySelector('#picker');

  constructor(limits, onStored) {
    this.#limits = limits;
    this.#onStored = onStored;
    this.#clear.addEventListener('click', () => {
      for (const upload of this.#own()) if (upload.state === 'done') this.#remove(upload);
      this.#picker.focus();
    });
    addEventListener('online', () => {
      for (const upload of this.#rows.keys()) if (upload.isOffline) this.#retry(upload);
    });
  }

  get areActive() {
    return [...this.#rows.keys()].some((upload) => upload.isActive);
  }

  /** Uploads go on as the user who began them, out of the sight of the others. */
  show(user) {
    this.#user = user;
    for (const [upload, row] of this.#rows) row.hidden = upload.user !== user;
    this.#status.textContent = '';
    this.#summarize();
  }

  add(files) {
    for (const file of files) {
      const upload = new Upload(file, this.#user, (changed) => this.#render(changed));
      this.#rows.set(upload, this.#newRow(upload));
      const reason = objection(file, this.#limits);
      if (reason) upload.refuse(reason);
      else this.#render(upload);
    }
    this.#pump();
  }

  #own() {
    return [...this.#rows.keys()].filter((upload) => upload.user === this.#user);
  }

  #pump() {
    const active = [...this.#rows.keys()].filter((upload) => upload.isActive);
    const waiting = active.filter((upload) => upload.state === 'waiting');
    for (const upload of waiting.slice(0, AT_ONCE - (active.length - waiting.length))) {
      upload.run().then(() => {
        if (upload.state === 'done') this.#onStored(upload.user);
        this.#pump();
      });
    }
  }

  #retry(upload) {
    upload.reset();
    this.#pump();
  }

  #remove(upload) {
    this.#rows.get(upload).remove();
    this.#rows.delete(upload);
    this.#summarize();
  }

  #newRow(upload) {
    const row = this.#template.content.firstElementChild.cloneNode(true);
    const { name, size } = upload.file;
    Object.assign(row.querySelector('.name'), { textContent: name, title: name });
    row.querySelector('.size').textContent = formatSize(size);
    row.querySelector('progress').setAttribute('aria-label', `Upload of ${name}`);
    const act = (action, label, perform) => {
      const button = row.querySelector(`.${action}`);
      button.setAttribute('aria-label', label);
      button.addEventListener('click', perform);
    };
    act('cancel', `Cancel the upload of ${name}`, () => upload.cancel());
    act('retry', `Retry the upload of ${name}`, () => this.#retry(upload));
    act('dismiss', `Dismiss ${name}`, () => {
      const neighbour = row.nextElementSibling ?? row.previousElementSibling;
      this.#remove(upload);
      (neighbour?.querySelector('button:not([hidden])') ?? this.#picker).focus();
    });
    this.#list.append(row);
    return row;
  }

  #render(upload) {
    const row = this.#rows.get(upload);
    if (!row) return;
    const focused = row.contains(document.activeElement) ? document.activeElement : null;
    const { state } = upload;
    const message = MESSAGES[state](upload);
    const progress = row.querySelector('progress');
    if (state === 'saving' || state === 'done') progress.value = 1;
    else if (state === 'waiting' || state === 'asking') progress.value = 0;
    else progress.value = upload.sent / (upload.file.size || 1);
    progress.hidden = !upload.isActive;
    row.querySelector('.message').textContent = message;
    row.querySelector('.cancel').hidden = !upload.canCancel;
    row.querySelector('.retry').hidden = !(['failed', 'cancelled'].includes(state) && upload.canRetry);
    row.querySelector('.dismiss').hidden = upload.isActive;
    if (focused?.hidden) (row.querySelector('button:not([hidden])') ?? row).focus();
    if (row.dataset.state === state) return;

    row.dataset.state = state;
    if (upload.user !== this.#user) return;
    if (['done', 'failed', 'cancelled'].includes(state)) {
      this.#status.textContent = `${upload.file.name}: ${message}`;
    }
    this.#summarize();
  }

  #summarize() {
    const own = this.#own();
    const count = (...states) => own.filter(({ state }) => states.includes(state)).length;
    const [done, failed, cancelled] = [count('done'), count('failed'), count('cancelled')];
    const parts = [`${done} of ${own.length} uploaded`];
    if (failed) parts.push(`${failed} failed`);
    if (cancelled) parts.push(`${cancelled} cancelled`);
    this.#summary.textContent = parts.join(', ');
    this.#clear.hidden = !done;
    this.#bar.hidden = this.#list.hidden = !own.length;
  }
}
