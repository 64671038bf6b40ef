// The backend's database, as a superuser.

import { execFileSync } from 'node:child_process';

/** The first column of the rows, as text. `values` are for :'name' in the statement. */
export function column(statement, values = {}) {
  const variables = Object.entries(values).flatMap(([name, value]) => ['-v', `${name}=${value}`]);
  const output = execFileSync('psql', ['-XqAt', '-v', 'ON_ERROR_STOP=1', ...variables, '-f', '-'], {
    input: statement,
    encoding: 'utf8',
  });
  return output.split('\n').slice(0, -1);
}

/** A link to PUT the pending upload `objectKey` that is good for a second. */
export function shortLink(objectKey) {
  const [url] = column(
    `SELECT presigned_url FROM b2_uploads u,
       b2_presign_put(file_name, content_type, 1, u.user_id, size, object_key => u.object_key)
     WHERE u.object_key = :'key'`,
    { key: objectKey },
  );
  return url;
}
