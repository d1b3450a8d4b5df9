-- wrk: each request claims another share, once, with the village's own token. Shares come from CLAIMS, one a line.
local claims = {}
local position = 0

function init(_)
   for line in io.lines(os.getenv("CLAIMS")) do
      claims[#claims + 1] = line
   end
end

function request()
   position = position + 1
   local share, token = string.match(claims[position] or "", "^(%S+) (%S+)$")
   if not share then
      return wrk.format("GET", "/livez")
   end
   return wrk.format("POST", "/v1/shares/" .. share .. "/claim", {
      ["Authorization"] = "Bearer " .. token,
      ["Content-Type"] = "application/json",
      ["If-Match"] = '"1"',
      ["Idempotency-Key"] = "bench-" .. share,
   }, '{"limit_working_days": 12}')
end

function done(summary, latency, _)
   local failed = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.status + summary.errors.timeout
   io.write(string.format("RESULT %d %d %d %d\n", summary.requests, failed, summary.duration, latency:percentile(99.0)))
end
