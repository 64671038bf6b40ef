import pg from 'pg';

/** The database cannot be asked. */
export class DatabaseAway extends Error {}

if (!process.env.DATABASE_URL) {
  throw new Error('DATABASE_URL is not set; see README.md');
}
const pool = new pg.Pool({
  connectionString: process.env.DATABASE_URL,
  connectionTimeoutMillis: 5000,
});
// A connection that breaks would end the process if nobody listened. Whoever waits for an answer gets an error as well.
pool.on('connect', (client) => client.on('error', () => {}));
pool.on('error', (error) => console.error('lost a connection:', error.message));

/** Runs one statement in a transaction in which b2_user_id() is `userId`, within 20 seconds. Returns the rows. */
export async function queryAs(userId, statement, values = []) {
  const client = await connect();
  try {
    await client.query('BEGIN');
    // For the transaction alone: a pooler in front of the database then mixes nothing up.
    await client.query(
      "SELECT set_config('request.jwt.claims', $1, true), set_config('statement_timeout', '20s', true)",
      [JSON.stringify({ sub: userId })],
    );
    const { rows } = await client.query(statement, values);
    await client.query('COMMIT');
    client.release();
    return rows;
  } catch (error) {
    // Where even this fails, the connection is of no more use.
    await client.query('ROLLBACK').then(
      () => client.release(),
      (failure) => client.release(failure),
    );
    throw error instanceof pg.DatabaseError ? error : new DatabaseAway(error.message);
  }
}

/** To be called when nobody will ask any more. */
export const disconnect = () => pool.end();

async function connect() {
  try {
    return await pool.connect();
  } catch (error) {
    throw new DatabaseAway(error.message);
  }
}
