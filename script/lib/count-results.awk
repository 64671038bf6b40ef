# Adds up what the test runners in a log say of their results, and prints "PASSED FAILED".

# ctest: 100% tests passed, 0 tests failed out of 120
/% tests passed, [0-9]+ tests? failed out of [0-9]+/ {
  match($0, /[0-9]+ tests? failed/); bad = substr($0, RSTART) + 0
  match($0, /out of [0-9]+/); all = substr($0, RSTART + 7) + 0
  passed += all - bad; failed += bad
}

# pg_regress: All 5 tests passed. | 2 of 5 tests failed.   (with "# " before it since PostgreSQL 16)
/^[# ]*All [0-9]+ tests passed\./ { match($0, /[0-9]+/); passed += substr($0, RSTART) + 0 }
/^[# ]*[0-9]+ of [0-9]+ tests failed\./ {
  match($0, /[0-9]+ of/); bad = substr($0, RSTART) + 0
  match($0, /of [0-9]+/); all = substr($0, RSTART + 3) + 0
  passed += all - bad; failed += bad
}

# pg_prove: Files=3, Tests=100, … | Failed 2/30 subtests
/^Files=[0-9]+, Tests=[0-9]+/ { match($0, /Tests=[0-9]+/); passed += substr($0, RSTART + 6) + 0 }
/Failed [0-9]+\/[0-9]+ subtests/ {
  match($0, /Failed [0-9]+/); bad = substr($0, RSTART + 7) + 0
  passed -= bad; failed += bad
}

# pytest: 2 failed, 98 passed, 1 error in 12.34s
/^[=]* ?([0-9]+ [a-z]+, )*[0-9]+ [a-z]+ in [0-9.]+s/ {
  count = split($0, parts, /, | in /)
  for (i = 1; i <= count; i++) {
    number = parts[i]; gsub(/[^0-9]/, "", number)
    if (parts[i] ~ /passed/) passed += number
    if (parts[i] ~ /failed|error/) failed += number
  }
}

# node --test: ℹ pass 19
/^ℹ (pass|fail|cancelled) [0-9]+$/ {
  if ($2 == "pass") passed += $3
  else failed += $3
}

END { print passed + 0, failed + 0 }
