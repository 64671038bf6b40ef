// The calls of the backend. Every one is made as the demo user that it is given.

/** What the backend, or the way to it, says. `status` is 0 where no answer came. */
export class ApiError extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }

  /** Whether the same call may succeed later. */
  get isPassing() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

async function call(user, method, path, { body, signal } = {}) {
  const headers = { 'X-Demo-User': user };
  if (body) headers['Content-Type'] = 'application/json';
  let response;
  try {
    response = await fetch(path, { method, headers, signal, body: body && JSON.stringify(body) });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new ApiError('The server cannot be reached.', 0);
  }
  const answer = await response.json().catch(() => null);
  signal?.throwIfAborted();
  if (response.ok && answer?.success) return answer;
  throw new ApiError(answer?.error ?? `The server answered with status ${response.status}.`, response.status);
}

/**
 * Where to PUT a file. `expiresAt` is in milliseconds, by this machine's clock, and rather too early than too late.
 */
export async function presign(user, file, contentType, signal) {
  const asked = Date.now();
  const body = { fileName: file.name, contentType, size: file.size };
  const answer = await call(user, 'POST', 'presign-b2-upload', { body, signal });
  return { ...answer, expiresAt: asked + answer.expiresIn * 1000 };
}

/** Says that the file is there. The backend asks the store, and records it. */
export function save(user, { objectKey, publicFileUrl }, signal) {
  return call(user, 'POST', 'save-b2-metadata', { body: { objectKey, publicFileUrl }, signal });
}

/** A page of files, latest first, and `next` for the page after it, or null. */
export function list(user, before, signal) {
  return call(user, 'GET', before ? `files?before=${encodeURIComponent(before)}` : 'files', { signal });
}

export function remove(user, id) {
  return call(user, 'DELETE', `files/${encodeURIComponent(id)}`);
}
