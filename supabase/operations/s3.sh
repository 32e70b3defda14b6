# S3 by curl alone, for the scripts that source this file: curl 7.87 or newer signs the requests.
#
#     S3_ENDPOINT=https://s3.example.com S3_BUCKET=… S3_REGION=us-east-1 AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=…
#
# Promise: the keys come from the environment and reach curl on its standard input, so no list of processes shows them; the
# server is told the hash of what it is sent, and refuses anything else; a passing fault is tried again. Names of objects are
# made of letters, digits, `.`, `-`, `_` and `/`.
: "${S3_ENDPOINT:?}" "${S3_BUCKET:?}" "${AWS_ACCESS_KEY_ID:?}" "${AWS_SECRET_ACCESS_KEY:?}"

quoted() { printf '%s' "$1" | sed 's/[\\"]/\\&/g'; }

nothing=$(printf '' | sha256sum)

# s3 PATH OUT HASH CURL-ARGUMENTS…: sends what has this hash; the answer's body goes to the file OUT, its status to S3_STATUS.
# Whether it is a good one.
s3() {
  local path=$1 out=$2 hash=${3%% *}
  shift 3
  S3_STATUS=$(
    {
      printf 'user = "%s:%s"\n' "$(quoted "$AWS_ACCESS_KEY_ID")" "$(quoted "$AWS_SECRET_ACCESS_KEY")"
      [[ -z ${AWS_SESSION_TOKEN:-} ]] || printf 'header = "x-amz-security-token: %s"\n' "$(quoted "$AWS_SESSION_TOKEN")"
    } | curl --config - --silent --show-error --aws-sigv4 "aws:amz:${S3_REGION:-us-east-1}:s3" --retry "${S3_RETRIES:-4}" --retry-connrefused \
      --connect-timeout 20 --output "$out" --write-out '%{http_code}' \
      --header "x-amz-content-sha256: $hash" "$@" "${S3_ENDPOINT%/}/$S3_BUCKET$path"
  ) || S3_STATUS='no answer'
  [[ $S3_STATUS == 2?? ]]
}

refused() {
  echo "s3: $1: $S3_STATUS: $(head -c 500 "$2" 2>/dev/null)" >&2
  return 1
}

# s3_put FILE NAME
s3_put() {
  local hash
  hash=$(sha256sum <"$1")
  s3 "/$2" "$1.answer" "$hash" --upload-file "$1" || refused "$2" "$1.answer"
}

# s3_get NAME FILE: 0 it is there, 2 it is not, 1 anything else.
s3_get() {
  s3 "/$1" "$2" "$nothing" && return 0
  if [[ $S3_STATUS == 404 ]]; then
    rm -f "$2"
    return 2
  fi
  refused "$1" "$2"
}

# s3_list PREFIX OUT: the names of the objects, one a line, in their order.
s3_list() {
  local after='' page=$2.page
  : >"$2"
  while s3 "/?list-type=2&prefix=${1//\//%2F}${after:+&start-after=${after//\//%2F}}" "$page" "$nothing"; do
    grep -o '<Key>[^<]*</Key>' "$page" | sed 's/<[^>]*>//g' >>"$2" || return 0
    after=$(tail -n 1 "$2")
  done
  refused "$1" "$page"
}

# s3_delete NAME OUT: also when it is not there.
s3_delete() { s3 "/$1" "$2" "$nothing" --request DELETE || [[ $S3_STATUS == 404 ]] || refused "$1" "$2"; }
