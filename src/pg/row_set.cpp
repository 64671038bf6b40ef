#include "pg/row_set.h"

namespace b2neon {

RowSet::RowSet(FunctionCallInfo fcinfo) {
  ReturnSetInfo *result = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
  if (!result || !IsA(result, ReturnSetInfo) || !(result->allowedModes & SFRM_Materialize)) {
    ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                    errmsg("set-valued function called in context that cannot accept a set")));
  }
  MemoryContext caller = MemoryContextSwitchTo(result->econtext->ecxt_per_query_memory);
  if (get_call_result_type(fcinfo, nullptr, &row_type_) != TYPEFUNC_COMPOSITE) {
    elog(ERROR, "return type must be a row type");
  }
  rows_ =
      tuplestore_begin_heap((result->allowedModes & SFRM_Materialize_Random) != 0, false, work_mem);
  row_type_ = BlessTupleDesc(row_type_);
  MemoryContextSwitchTo(caller);
  result->returnMode = SFRM_Materialize;
  result->setResult = rows_;
  result->setDesc = row_type_;
}

void RowSet::add(Datum row) {
  HeapTupleData tuple = {};
  tuple.t_data = DatumGetHeapTupleHeader(row);
  tuple.t_len = HeapTupleHeaderGetDatumLength(tuple.t_data);
  tuplestore_puttuple(rows_, &tuple);
}

}  // namespace b2neon
