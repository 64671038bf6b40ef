// The way of one file: ask for a link, PUT, and have it recorded.

import { ApiError, presign, save } from './api.js';
import { canBeRead } from './checks.js';
import { PutError, canReachStore, put } from './put.js';

/** A failure with a sentence for the reader. */
export class UploadError extends Error {
  constructor(message, { isOffline = false, isPassing = false } = {}) {
    super(message);
    this.isOffline = isOffline;
    this.isPassing = isPassing;
  }
}

const OFFLINE = 'You are offline. The upload goes on when the network is back.';
const DEFAULT_TYPE = 'application/octet-stream';

const isOver = (link) => Date.now() >= link.expiresAt;

export class Upload {
  /** waiting, asking, sending, saving, done, failed or cancelled. */
  state = 'waiting';
  sent = 0;
  message = '';
  /** Whether trying again may help. */
  canRetry = true;
  isOffline = false;
  #link = null;
  #isStored = false;
  #abort = new AbortController();

  constructor(file, user, onChange) {
    this.file = file;
    this.user = user;
    this.onChange = onChange;
  }

  get isActive() {
    return this.canCancel || this.state === 'saving';
  }

  /** Not while the backend records the file: it may have done so already. */
  get canCancel() {
    return ['waiting', 'asking', 'sending'].includes(this.state);
  }

  /** Fails without having asked anybody. */
  refuse(message) {
    this.canRetry = false;
    this.#change('failed', message);
  }

  cancel() {
    if (!this.canCancel) return;
    this.#abort.abort();
    this.#change('cancelled');
  }

  reset() {
    this.#abort = new AbortController();
    this.isOffline = false;
    this.#change('waiting');
  }

  /** Never throws: how it went is the state. It is no longer "waiting" when this returns. */
  async run() {
    const { signal } = this.#abort;
    try {
      if (!this.#isStored) await this.#store(signal);
      await this.#save(signal);
      this.#change('done');
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof UploadError)) console.error(error);
      this.isOffline = Boolean(error.isOffline);
      this.#change('failed', error.message);
    }
  }

  async #store(signal) {
    for (let tries = 1; !this.#isStored; tries += 1) {
      this.#change('asking');
      await this.#getLink(signal);
      this.sent = 0;
      this.#change('sending');
      try {
        await put(this.#link.presignedUrl, this.#link.requiredHeaders, this.file, {
          signal,
          onProgress: (sent) => {
            this.sent = sent;
            this.onChange(this);
          },
        });
        this.#isStored = true;
      } catch (error) {
        if (!(error instanceof PutError)) throw error;
        const link = this.#link;
        // An expired link is replaced once. Where the store's answer can be read, 403 may mean that as well.
        if (isOver(link) || error.status === 403) this.#link = null;
        if (this.#link || tries > 1) throw await this.#explain(error, link, signal);
      }
    }
  }

  /** A link that is still good is used again, so that a second try is of the same object. */
  async #getLink(signal) {
    if (!(await canBeRead(this.file))) {
      this.canRetry = false;
      throw new UploadError('The file was changed or removed after it was chosen. Choose it again.');
    }
    signal.throwIfAborted();
    if (this.#link && !isOver(this.#link)) return;
    this.#link = await this.#ask(() => presign(this.user, this.file, this.file.type || DEFAULT_TYPE, signal));
  }

  async #save(signal) {
    this.#change('saving');
    try {
      await this.#ask(() => save(this.user, this.#link, signal));
    } catch (error) {
      // Unless it is the way to the backend that failed, what is stored is no good: start over.
      if (error instanceof UploadError && !error.isPassing) {
        this.#isStored = false;
        this.#link = null;
      }
      throw error;
    }
  }

  async #ask(call) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const isOffline = error.status === 0 && !navigator.onLine;
      throw new UploadError(isOffline ? OFFLINE : error.message, { isOffline, isPassing: error.isPassing });
    }
  }

  async #explain(error, link, signal) {
    if (!navigator.onLine) return new UploadError(OFFLINE, { isOffline: true });
    if (!(await canBeRead(this.file))) {
      this.canRetry = false;
      return new UploadError('The file was changed or removed while it was being sent. Choose it again.');
    }
    if (isOver(link)) return new UploadError('The link for the upload expired, and so did the one after it.');
    if (error.status) return new UploadError(`The store refused the file (${error.message}).`);
    const isThere = await canReachStore(link.presignedUrl);
    signal.throwIfAborted();
    if (!isThere) return new UploadError(`The store cannot be reached at ${new URL(link.presignedUrl).host}.`);
    // A refusal without CORS headers, and a rule that is missing, look the same from here.
    this.#link = null;
    return new UploadError(
      'Refused or blocked: the link may have expired, or the bucket’s CORS rules do not allow this page ' +
        `(${location.origin}).`,
    );
  }

  #change(state, message = '') {
    this.state = state;
    this.message = message;
    this.onChange(this);
  }
}
