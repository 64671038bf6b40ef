-- wrk's part: wrk -t N -c N -s load.lua URL -- presign|register FILE
--
-- A flow is one request to presign an upload, or that and the request that saves it. FILE gets a line with
-- the seconds that it took and the number of requests that failed, and one for each flow, in microseconds.
-- With a connection for each thread, requests and answers take turns, and a thread's state is its flow's.

local ffi = require("ffi")
ffi.cdef [[
  typedef struct { long seconds, nanoseconds; } moment;
  int clock_gettime(int clock, moment *now);
]]

local CLOCK_MONOTONIC = 1
local headers = { ["Content-Type"] = "application/json" }
local presign = '{"fileName": "cat.png", "contentType": "image/png"}'
local threads = {}
local now = ffi.new("moment")
local started, saving
latencies, failed = {}, 0 -- thread:get() finds only globals

local function microseconds()
  ffi.C.clock_gettime(CLOCK_MONOTONIC, now)
  return tonumber(now.seconds) * 1e6 + tonumber(now.nanoseconds) / 1e3
end

function setup(thread)
  table.insert(threads, thread)
end

function init(arguments)
  registers = arguments[1] == "register"
  file = arguments[2]
end

function request()
  if saving then
    return wrk.format("POST", "/save-b2-metadata", headers, saving)
  end
  started = microseconds()
  return wrk.format("POST", "/presign-b2-upload", headers, presign)
end

function response(status, _, body)
  local was_saving = saving
  saving = nil
  if status ~= 200 and status ~= 201 then
    failed = failed + 1
  elseif registers and not was_saving then
    local key = body:match('"objectKey": ?"([^"]+)"')
    local url = body:match('"publicFileUrl": ?"([^"]+)"')
    saving = string.format('{"objectKey": "%s", "publicFileUrl": "%s"}', key, url)
  else
    table.insert(latencies, microseconds() - started)
  end
end

function done(summary)
  local errors = summary.errors
  local all_failed = errors.connect + errors.read + errors.write + errors.timeout
  for _, thread in ipairs(threads) do
    all_failed = all_failed + thread:get("failed")
  end
  local out = io.open(threads[1]:get("file"), "w")
  out:write(string.format("%.6f %d\n", summary.duration / 1e6, all_failed))
  for _, thread in ipairs(threads) do
    for _, latency in ipairs(thread:get("latencies")) do
      out:write(string.format("%.0f\n", latency))
    end
  end
  out:close()
end
