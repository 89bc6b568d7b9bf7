-- What Holdfast knows, for OpenWrt's prometheus-node-exporter-lua: it loads every file of this folder and calls
-- `scrape`, where `metric(name, type)` gives a function that prints one sample. The same samples as
-- `holdfast status --prometheus`, without starting a runtime for each scrape.

-- Option state_dir, where it is not the default; only a plain path, for it becomes part of a command.
local STATE_DIR = (os.getenv("HOLDFAST_STATE_DIR") or ""):match("^/[%w/._-]+$") or "/var/run/holdfast"
local STATUS_FILE = STATE_DIR .. "/status.json"
-- Some 2 KiB for each hostname; far more than any router has.
local MAX_STATUS_BYTES = 1024 * 1024
local MAX_DEPTH = 32

local VERDICTS = { "ok", "pending", "warning", "failed", "unknown", "off" }
local ACCOUNT_STATES = { "ok", "waiting", "blocked" }
local AXES = { "update", "delegation", "authority", "publicView" }

-- JSON (RFC 8259); `null` becomes nil. Every function gets text and position and gives value and next position.

local ESCAPES = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t" }
local read_value

local function utf8(code)
	if code < 0x80 then
		return string.char(code)
	elseif code < 0x800 then
		return string.char(0xc0 + math.floor(code / 0x40), 0x80 + code % 0x40)
	elseif code < 0x10000 then
		return string.char(0xe0 + math.floor(code / 0x1000), 0x80 + math.floor(code / 0x40) % 0x40, 0x80 + code % 0x40)
	end
	return string.char(0xf0 + math.floor(code / 0x40000), 0x80 + math.floor(code / 0x1000) % 0x40,
		0x80 + math.floor(code / 0x40) % 0x40, 0x80 + code % 0x40)
end

local function read_string(text, at)
	local parts = {}
	while true do
		local from, to, plain, stop = text:find('^([^"\\]*)(["\\])', at)
		if not from then
			error("a text without an end")
		end
		parts[#parts + 1] = plain
		if stop == '"' then
			return table.concat(parts), to + 1
		end
		local letter = text:sub(to + 1, to + 1)
		at = to + 2
		if letter == "u" then
			local code = tonumber(text:match("^%x%x%x%x", at) or error("a broken escape"), 16)
			at = at + 4
			local low = text:match("^\\u([dD][c-fC-F]%x%x)", at)
			if code >= 0xd800 and code < 0xdc00 and low then
				code = 0x10000 + (code - 0xd800) * 0x400 + tonumber(low, 16) - 0xdc00
				at = at + 6
			end
			parts[#parts + 1] = utf8(code)
		else
			parts[#parts + 1] = ESCAPES[letter] or letter
		end
	end
end

local function skip(text, at)
	return text:find("[^ \t\r\n]", at) or #text + 1
end

-- The members of an object or a list, up to its closing sign.
local function read_members(text, at, depth, closing, read_member)
	if depth > MAX_DEPTH then
		error("too deep")
	end
	at = skip(text, at + 1)
	if text:sub(at, at) == closing then
		return at + 1
	end
	while true do
		at = skip(text, read_member(at))
		local sign = text:sub(at, at)
		if sign == closing then
			return at + 1
		elseif sign ~= "," then
			error("a broken list")
		end
		at = skip(text, at + 1)
	end
end

local WORDS = { ["true"] = true, ["false"] = false }

function read_value(text, at, depth)
	at = skip(text, at)
	local sign = text:sub(at, at)
	local value = {}
	if sign == '"' then
		return read_string(text, at + 1)
	elseif sign == "{" then
		at = read_members(text, at, depth, "}", function(from)
			local name, member
			name, from = read_string(text, from + 1)
			member, from = read_value(text, skip(text, from) + 1, depth + 1)
			value[name] = member
			return from
		end)
		return value, at
	elseif sign == "[" then
		at = read_members(text, at, depth, "]", function(from)
			local member
			member, from = read_value(text, from, depth + 1)
			value[#value + 1] = member
			return from
		end)
		return value, at
	end
	local word = text:match("^%l+", at)
	if word then
		return WORDS[word], at + #word
	end
	local number = text:match("^[-+.%deE]+", at) or error("no value")
	return tonumber(number), at + #number
end

-- Whole or nothing: nil for what is no status.
local function parsed(text)
	local ok, value = pcall(read_value, text, 1, 0)
	return ok and type(value) == "table" and value or nil
end

-- The folder belongs to the agent's user: what could be put there in place of the file is not followed.
local function read_status()
	local file = io.popen(string.format("[ -f '%s' ] && [ ! -L '%s' ] && cat '%s'", STATUS_FILE, STATUS_FILE, STATUS_FILE))
	local text = file and file:read(MAX_STATUS_BYTES)
	if file then
		file:close()
	end
	return text and parsed(text)
end

local function first_line(path)
	local file = io.open(path, "r")
	local line = file and file:read("*l")
	if file then
		file:close()
	end
	return line
end

-- procd writes the id of the process; in its jail the agent knows itself by another one.
local function is_running(status)
	local agent = status and status.agent or {}
	for _, pid in ipairs({ first_line(STATE_DIR .. ".run.pid") or "", first_line(STATE_DIR .. ".once.pid") or "",
		tostring(agent.pid) }) do
		local command = pid:match("^%d+$") and first_line("/proc/" .. pid .. "/cmdline")
		if command and command:find("holdfast", 1, true) then
			return true
		end
	end
	return false
end

-- Seconds since 1970 of an RFC 3339 time in UTC; nil for none. os.time would take it for local time.
local function seconds_of(time)
	local year, month, day, hour, minute, second =
		tostring(time):match("^(%d+)-(%d+)-(%d+)T(%d+):(%d+):([%d.]+)Z$")
	if not year then
		return nil
	end
	-- Years that begin in March end with the leap day.
	local shifted = tonumber(year) - (tonumber(month) <= 2 and 1 or 0)
	local days = 365 * shifted + math.floor(shifted / 4) - math.floor(shifted / 100) + math.floor(shifted / 400)
		+ math.floor((153 * ((tonumber(month) + 9) % 12) + 2) / 5) + tonumber(day) - 1 - 719468
	return days * 86400 + tonumber(hour) * 3600 + tonumber(minute) * 60 + tonumber(second)
end

local function escaped(value)
	return (tostring(value):gsub("[\\\"\n]", { ["\\"] = "\\\\", ['"'] = '\\"', ["\n"] = "\\n" }))
end

local function number(value)
	return value and 1 or 0
end

-- Prints a sample unless its value is nil, or the same sample was there before: that would spoil the whole scrape.
local function gauge(name)
	local print_sample
	local seen = {}
	return function(labels, value)
		local safe, names = {}, {}
		for label, text in pairs(labels) do
			safe[label] = escaped(text)
			names[#names + 1] = label
		end
		table.sort(names)
		local key = {}
		for _, label in ipairs(names) do
			key[#key + 1] = label .. "=" .. safe[label]
		end
		key = table.concat(key, ",")
		if value == nil or seen[key] then
			return
		end
		seen[key] = true
		print_sample = print_sample or metric("holdfast_" .. name, "gauge")
		-- Its printer makes `{` of no labels.
		print_sample(#names > 0 and safe or nil, string.format("%.14g", value))
	end
end

local function one_hot(print_sample, labels, states, present)
	for _, state in ipairs(states) do
		local all = { state = state }
		for name, value in pairs(labels) do
			all[name] = value
		end
		print_sample(all, number(state == present))
	end
end

local function with(labels, name, value)
	local all = { [name] = value }
	for label, text in pairs(labels) do
		all[label] = text
	end
	return all
end

local function each(list, visit)
	for _, one in ipairs(list or {}) do
		visit(one)
	end
end

-- The samples of one metric stand together, as the format demands: one walk for each.
local function scrape()
	local status = read_status()
	local running = is_running(status)
	gauge("up")({}, number(running))
	if not status then
		return
	end
	local agent = status.agent or {}
	local function hosts(name, visit)
		local print_sample = gauge(name)
		each(status.hostnames, function(one)
			visit(print_sample, { id = one.id, hostname = one.hostname }, one)
		end)
	end

	gauge("build_info")({ version = agent.version or "", runtime = agent.runtime or "" }, 1)
	gauge("start_time_seconds")({}, seconds_of(agent.startedAt))
	gauge("status_timestamp_seconds")({}, seconds_of(status.writtenAt))
	gauge("resident_memory_bytes")({}, running and agent.memoryKib and agent.memoryKib * 1024 or nil)

	local problems = { error = 0, warning = 0 }
	each(status.problems, function(one)
		problems[one.severity] = (problems[one.severity] or 0) + 1
	end)
	local config_problems = gauge("config_problems")
	config_problems({ severity = "error" }, problems.error)
	config_problems({ severity = "warning" }, problems.warning)

	local wan_up = gauge("wan_up")
	each(status.wans, function(one)
		wan_up({ network = one.name, source = one.source }, number(one.up))
	end)
	local account_state = gauge("account_state")
	each(status.accounts, function(one)
		one_hot(account_state, { account = one.id, provider = one.provider }, ACCOUNT_STATES, one.state)
	end)

	hosts("hostname_info", function(print_sample, labels, one)
		print_sample(with(with(labels, "account", one.account), "provider", one.provider), 1)
	end)
	hosts("hostname_state", function(print_sample, labels, one)
		one_hot(print_sample, labels, VERDICTS, one.verdict)
	end)
	hosts("hostname_works", function(print_sample, labels, one)
		if one.works == "yes" or one.works == "no" then
			print_sample(labels, number(one.works == "yes"))
		end
	end)
	hosts("axis_state", function(print_sample, labels, one)
		for _, axis in ipairs(AXES) do
			one_hot(print_sample, with(labels, "axis", axis), VERDICTS, one.axes[axis].verdict)
		end
	end)
	hosts("axis_checked_timestamp_seconds", function(print_sample, labels, one)
		for _, axis in ipairs(AXES) do
			print_sample(with(labels, "axis", axis), seconds_of(one.axes[axis].checkedAt))
		end
	end)
	hosts("confirmed_timestamp_seconds", function(print_sample, labels, one)
		for family, confirmed in pairs(one.confirmed) do
			print_sample(with(labels, "family", family), seconds_of(confirmed.since))
		end
	end)
	hosts("next_update_timestamp_seconds", function(print_sample, labels, one)
		print_sample(labels, one.next and seconds_of(one.next.at))
	end)
	hosts("hostname_blocked", function(print_sample, labels, one)
		print_sample(labels, number(one.block))
	end)

	local open = {}
	each(status.incidents, function(one)
		if not one.closedAt then
			open[#open + 1] = one
		end
	end)
	gauge("open_incidents")({}, #open)
	local incident_open = gauge("incident_open")
	each(open, function(one)
		incident_open({ code = one.code, subject = one.subject, must_act = tostring(one.mustAct) }, 1)
	end)
	local incident_opened = gauge("incident_opened_timestamp_seconds")
	each(open, function(one)
		incident_opened({ code = one.code, subject = one.subject }, seconds_of(one.openedAt))
	end)

	local alias_state = gauge("alias_state")
	each(status.aliases, function(one)
		one_hot(alias_state, { id = one.id, hostname = one.hostname }, VERDICTS, one.verdict)
	end)
	local alias_target = gauge("alias_target_info")
	each(status.aliases, function(one)
		if one.target then
			alias_target({ id = one.id, hostname = one.hostname, target = one.target }, 1)
		end
	end)
	gauge("notifications_waiting")({}, (status.notifications or {}).waiting or 0)
end

return { scrape = scrape }
