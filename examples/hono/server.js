// File uploads to Backblaze B2. The database does the work: see README.md.
import { fileURLToPath } from 'node:url';
import { serve } from '@hono/node-server';
import { serveStatic } from '@hono/node-server/serve-static';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { disconnect, queryAs } from './database.js';
import { explain, refuse } from './errors.js';
import { currentUserId } from './user.js';

const MAX_BODY = 16 * 1024;
const PAGE_SIZE = 50;

const app = new Hono();

app.onError((error, c) => {
  const [status, sentence] = explain(error);
  return c.json({ success: false, error: sentence }, status);
});
app.notFound((c) => c.json({ success: false, error: 'There is nothing here.' }, 404));
app.use(
  bodyLimit({ maxSize: MAX_BODY, onError: () => refuse(413, 'The request is too large.') }),
);

// 1. Where may the client PUT a file, and with which headers?
app.post('/presign-b2-upload', async (c) => {
  const user = signedIn(c);
  const body = await jsonBody(c);
  const [upload] = await queryAs(
    user,
    `SELECT presigned_url AS "presignedUrl", object_key AS "objectKey", public_file_url AS "publicFileUrl",
            headers AS "requiredHeaders", 300 AS "expiresIn"
     FROM b2_presign_put($1, $2, expires_in => 300, size => $3, content_md5 => $4)`,
    [
      field(body, 'fileName', isText, 'a text'),
      field(body, 'contentType', isText, 'a text'),
      field(body, 'size', isSize, 'a number of bytes', null),
      field(body, 'contentMd5', isText, 'a text', null),
    ],
  );
  return c.json({ success: true, ...upload });
});

// 2. The client says that it has done so. The database asks B2, and records what is there; so it has no use for the
// publicFileUrl that clients may send.
app.post('/save-b2-metadata', async (c) => {
  const user = signedIn(c);
  const body = await jsonBody(c);
  await queryAs(user, 'SELECT FROM b2_register_file($1)', [
    field(body, 'objectKey', isText, 'a text'),
  ]);
  return c.json({ success: true });
});

// 3. The user's files, the newest first, with links that live for an hour. `before` is the `next` of another answer.
app.get('/files', async (c) => {
  const user = signedIn(c);
  const before = c.req.query('before') || 'infinity_0';
  if (!/^[\w:.-]+_\d{1,18}$/.test(before)) refuse(400, 'before must be the next of another answer.');
  const rows = await queryAs(
    user,
    `SELECT row_to_json(f) AS file
     FROM (SELECT id::text, object_key AS "objectKey", name AS "fileName",
                  content_type AS "contentType", size,
                  to_char(upload_timestamp AT TIME ZONE 'UTC',
                          'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS "uploadedAt",
                  b2_presign_get(object_key, 3600) AS url,
                  b2_presign_get(object_key, 3600, download_as => right(name, 60))
                    AS "downloadUrl"
           FROM b2_files, coalesce(file_name, object_key) AS name
           WHERE (upload_timestamp, b2_files.id) < (split_part($1, '_', 1)::timestamptz, split_part($1, '_', 2)::bigint)
           ORDER BY upload_timestamp DESC, b2_files.id DESC LIMIT $2) f`,
    [before, PAGE_SIZE + 1],
  );
  const files = rows.slice(0, PAGE_SIZE).map((row) => row.file);
  const last = files.at(-1);
  return c.json({
    success: true,
    files,
    next: rows.length > PAGE_SIZE ? `${last.uploadedAt}_${last.id}` : null,
  });
});

// 4. The row goes now, and the object with the next b2_maintain().
app.delete('/files/:id{[0-9]{1,18}}', async (c) => {
  const deleted = await queryAs(
    signedIn(c),
    'DELETE FROM b2_files WHERE id = $1 RETURNING id',
    [c.req.param('id')],
  );
  if (deleted.length === 0) refuse(404, 'You have no such file.');
  return c.json({ success: true });
});

// The page that uses all this.
app.get('/*', serveStatic({ root: fileURLToPath(new URL('../browser', import.meta.url)) }));

function signedIn(c) {
  return currentUserId(c.req) ?? refuse(401, 'Please sign in first.');
}

/** Browsers do not send application/json to other sites unasked: this keeps forged forms out, too. */
async function jsonBody(c) {
  if (!/^application\/json\s*(;|$)/i.test(c.req.header('Content-Type') ?? '')) {
    refuse(415, 'The request must be JSON, with Content-Type: application/json.');
  }
  const bytes = await c.req.arrayBuffer();
  let body;
  try {
    body = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    refuse(400, 'The request is not valid JSON.');
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    refuse(400, 'The request must be a JSON object.');
  }
  return body;
}

function field(body, name, isRight, what, fallback) {
  const value = body[name] ?? fallback;
  if (value === undefined) refuse(400, `${name} is missing.`);
  if (value !== fallback && !isRight(value)) refuse(400, `${name} must be ${what}.`);
  return value;
}

/** PostgreSQL's texts have neither the character 0 nor half a character. */
function isText(value) {
  return typeof value === 'string' && value !== '' && !/[\0\p{Surrogate}]/u.test(value);
}

function isSize(value) {
  return Number.isSafeInteger(value) && value >= 0;
}

const address = { hostname: '127.0.0.1', port: Number(process.env.PORT || 3000) };
const server = serve({ fetch: app.fetch, ...address }, (info) => {
  console.log(`http://localhost:${info.port}`);
  if (process.env.ALLOW_DEMO_USER === '1') console.log('Anybody can be anybody here: replace user.js.');
});

// Who has asked already gets an answer. npm may pass a signal on that has come here, too.
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => server.listening && server.close(disconnect));
}
