#pragma once

#include "pg/pg.h"

namespace b2neon {

/// An object of the core that goes when the memory context goes in which it was adopted, or sooner
/// by release(), so that no error can leak it. Make room first, then the object.
template <class T>
struct Adopted {
  MemoryContextCallback callback;
  T *object;

  static Adopted *make_room() {
    Adopted *adopted = static_cast<Adopted *>(palloc0(sizeof(Adopted)));
    adopted->callback.func = destroy;
    adopted->callback.arg = adopted;
    MemoryContextRegisterResetCallback(CurrentMemoryContext, &adopted->callback);
    return adopted;
  }

  void release() { destroy(this); }

 private:
  static void destroy(void *argument) {
    Adopted *adopted = static_cast<Adopted *>(argument);
    delete adopted->object;
    adopted->object = nullptr;
  }
};

}  // namespace b2neon
