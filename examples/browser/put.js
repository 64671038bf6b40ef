// One PUT to the store. XMLHttpRequest, because fetch() does not tell how much has been sent.

/** The store's refusal. `status` is 0 where the browser shows no answer, or where there was none. */
export class PutError extends Error {
  constructor(status, code) {
    super(code || `status ${status}`);
    this.status = status;
  }
}

/** Sends `file` with exactly `headers`; calls `onProgress` with the bytes sent so far. */
export function put(url, headers, file, { signal, onProgress }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('PUT', url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => onProgress(event.loaded);
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) resolve();
      else reject(new PutError(request.status, request.responseText.match(/<Code>(\w+)<\/Code>/)?.[1]));
    };
    request.onerror = () => reject(new PutError(0));
    const abort = () => request.abort();
    request.onabort = () => reject(signal.reason);
    request.onloadend = () => signal.removeEventListener('abort', abort);
    signal.addEventListener('abort', abort);
    request.send(file);
  });
}

/** Whether anything answers at the store's address. What it says cannot be seen. */
export async function canReachStore(url) {
  try {
    const signal = AbortSignal.timeout(10_000);
    await fetch(new URL('/', url), { mode: 'no-cors', cache: 'no-store', credentials: 'omit', signal });
    return true;
  } catch {
    return false;
  }
}
