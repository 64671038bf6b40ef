#pragma once

#include "core/signer.h"
#include "pg/pg.h"

namespace b2neon {

/// When a URL is signed: at the start of the statement, or now where that is more than a second
/// ago.
TimestampTz signing_time();

/// The presigned URL as a text datum: the one allocation of a call.
text *presigned_url(Signer *signer, const ObjectRequest &request, int32 expires_in);

}  // namespace b2neon
