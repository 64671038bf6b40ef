# How the demo prints what it does: headings, notes, SQL, HTTP, expectations. Sourced, never run.
# Whoever uses sql or http sets $work_dir, a directory for temporary files.
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # some variables are for the script that sources this, one comes from there

if [[ -t 1 && -z ${NO_COLOR:-} && ${TERM:-dumb} != dumb ]]; then
  bold=$'\e[1m' green=$'\e[32m' red=$'\e[31m' blue=$'\e[36m' plain=$'\e[0m'
else
  bold='' green='' red='' blue='' plain=''
fi

heading() {
  printf '\n%s== %s%s\n' "$bold" "$*" "$plain"
}

note() {
  printf '%s\n' "$@"
}

# shorten: takes the middle out of the queries of presigned URLs, and of psql's long rules.
shorten() {
  sed -E \
    -e 's#(\?X-Amz-Algorithm=)[^ "]{30,}([^ "]{12})#\1[...]\2#g' \
    -e 's#^(-\[ RECORD [0-9]+ \][-+]{60})[-+]*$#\1#'
}

met=0
unmet=()

# expect WHAT FOUND PATTERN: says whether FOUND is as expected; PATTERN is one of the shell's.
expect() {
  # shellcheck disable=SC2053 # it is a pattern
  if [[ $2 == $3 ]]; then
    printf '%s  ok: %s%s\n' "$green" "$1" "$plain"
    met=$((met + 1))
  else
    printf '%s  NOT AS EXPECTED: %s (expected %s, found %s)%s\n' "$red" "$1" "$3" "${2:-nothing}" "$plain"
    unmet+=("$1")
  fi
}

# give_up WHY: for what the rest cannot do without.
give_up() {
  printf '%s  GIVING UP: %s%s\n' "$red" "$*" "$plain"
  unmet+=("$*")
  exit 1
}

# typed PROMPT TEXT: prints SQL with psql's prompts, of which the second kind is for lines that go on.
typed() {
  local prompt=$1 line
  while IFS= read -r line; do
    printf '%s%s %s%s\n' "$blue" "$prompt" "$line" "$plain"
    prompt=$1
    [[ $line == *';' || $line == *'\gx' || $line == \\* ]] || prompt=${1/=/-}
  done <<<"$2"
}

# sql ROLE: prints the SQL on its standard input as it would be typed in psql, runs it, and prints the answer.
# Leaves $result, the answer, and $sqlstate, that of the last error or nothing.
sql() {
  local prompt='demo=>' text
  [[ $1 != postgres ]] || prompt='demo=#'
  text=$(cat)
  printf '\n'
  typed "$prompt" "$text"
  # With the verbose form of errors, which has the SQLSTATE, less the place in the source code.
  result=$(psql --no-psqlrc --username="$1" --dbname=demo --pset=pager=off --set=VERBOSITY=verbose 2>&1 <<<"$text" |
    sed -E -e 's/^psql:<stdin>:[0-9]+: //' -e '/^LOCATION:/d' -e '/^$/d') || true
  sqlstate=$(sed -nE 's/^ERROR:  ([0-9A-Z]{5}): .*/\1/p' <<<"$result" | tail -n 1)
  shorten <<<"$result"
}

# column NAME: what the last answer, in psql's expanded form, has in that column.
column() {
  sed -nE "s/^$1 +\\| //p" <<<"$result" | head -n 1
}

# http CURL_OPTION... URL: prints the command with the URL shortened, carries it out, and prints the request and the answer.
# Leaves $status, $error_code (the store's, or nothing) and $version_id. A file that comes goes to $download.
download=/dev/null
http() {
  local option shown='curl' url=${*: -1} trace=$work_dir/trace body=$work_dir/body
  for option in "${@:1:$#-1}"; do
    if [[ $option == *' '* ]]; then shown+=" '$option'"; else shown+=" ${option/#"$work_dir"\//}"; fi
  done
  printf '\n%s$ %s "%s"%s\n' "$blue" "$shown" "$(shorten <<<"$url")" "$plain"
  request "$@" 2>"$trace" || give_up "curl got no answer: $(tail -n 1 "$trace")"
  sed -nE 's/\r$//; /^> ([A-Z]+ .* HTTP|Host:|Content-|Range:)/Ip' "$trace" | shorten
  sed -nE 's/\r$//; /^< (HTTP|ETag:|Content-|x-amz-version-id:)/Ip' "$trace" | sed '/HTTP\/1.1 100/d'
  if [[ -n $error_code ]]; then
    printf '<\n< <Error><Code>%s</Code>...\n' "$error_code"
  elif [[ $status == 2* && -s $body && $download != /dev/null ]]; then
    mv -- "$body" "$download"
  fi
}

# request CURL_OPTION... URL: the request itself, with its trace on standard error.
request() {
  local body=$work_dir/body
  status='' error_code='' version_id=''
  rm -f -- "$body"
  status=$(curl --silent --show-error --verbose --connect-timeout 20 --max-time 300 --dump-header "$work_dir/headers" \
    --output "$body" --write-out '%{http_code}' "$@") || return
  [[ ! -s $body ]] || error_code=$(head -c 2000 "$body" | tr -d '\0' | sed -nE 's#.*<Code>([^<]*)</Code>.*#\1#p' | head -n 1)
  version_id=$(sed -nE 's/\r$//; s/^x-amz-version-id: *//Ip' "$work_dir/headers" | tail -n 1)
}
