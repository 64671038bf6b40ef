import { HTTPException } from 'hono/http-exception';
import pg from 'pg';
import { DatabaseAway } from './database.js';

const AWAY = [503, 'The database cannot be reached. Please try again later.'];
const STORE = [502, 'The file store does not answer as it should. Please try again later.'];
const AGAIN = [503, 'Somebody else was at it at the same time. Please try again.'];
const UNKNOWN = [500, 'Something went wrong here.'];

// By SQLSTATE or its class: the status, and what a person is told; null stands for the database's own words.
// The table is the same in ../flask/errors.py.
const ANSWERS = {
  22023: [400, null],
  22: [400, 'A value is not valid.'],
  42501: [403, 'You may not do this.'],
  P0002: [404, 'You have no such upload.'],
  '58P01': [409, 'The file has not been uploaded yet.'],
  23514: [409, null],
  55000: [409, null],
  '55P03': AGAIN,
  57014: [503, 'This took too long. Please try again later.'],
  40: AGAIN,
  '08': STORE,
  HV: STORE,
  25006: AWAY,
  53: AWAY,
  57: AWAY,
};

/** Ends the request with this status and sentence. */
export function refuse(status, sentence) {
  throw new HTTPException(status, { message: sentence });
}

/** The status of an error, and the sentence for a person. */
export function explain(error) {
  if (error instanceof HTTPException) return [error.status, error.message];
  const [status, sentence] = answerTo(error);
  if (status >= 500) {
    const { code, detail, hint, stack } = error;
    console.error(`${status}:`, ...[code, detail, hint, stack].filter(Boolean));
  }
  return [status, sentence ?? inItsOwnWords(error)];
}

function answerTo(error) {
  if (error instanceof DatabaseAway) return AWAY;
  if (!(error instanceof pg.DatabaseError)) return UNKNOWN;
  return ANSWERS[error.code] ?? ANSWERS[error.code.slice(0, 2)] ?? UNKNOWN;
}

function inItsOwnWords({ message, detail }) {
  const sentence = message[0].toUpperCase() + message.slice(1) + '.';
  return detail ? `${sentence} ${detail}` : sentence;
}
