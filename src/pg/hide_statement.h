#pragma once

#include "pg/pg.h"

namespace b2neon {

/// Within ereport(): keeps the statement out of the server log. A statement about a user mapping
/// holds a secret, and what fails is logged with its text, and with the texts of the code that it
/// stands in, which the client is sent too. (Whatever catches the error puts the stack of contexts
/// back.)
inline int hide_statement(bool hide = true) {
  if (hide) error_context_stack = nullptr;
  return errhidestmt(hide);
}

}  // namespace b2neon
