/**
 * Who has sent this request: the user's id, or null if nobody has signed in.
 *
 * THIS IS A PLACEHOLDER, AND NO PROTECTION: with ALLOW_DEMO_USER=1, whoever can reach the server can be anybody.
 * Put your own check here, of a session or of a token's signature. Everything else goes by what this returns.
 */
export function currentUserId(request) {
  if (process.env.ALLOW_DEMO_USER !== '1') return null;
  return request.header('X-Demo-User') || 'user_123';
}
