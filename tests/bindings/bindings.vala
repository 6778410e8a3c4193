// SPDX-License-Identifier: Apache-2.0
// Uses the client library from Vala, by the generated vapi, with a real broker: `bindings ADDRESS`, TAP output.

const string EVENT = "events.process.started";
const string TASK = "control.collector.task.process";

class Bus : Object {
	public DeyeBus.Client tool;
	public DeyeBus.Client collector;

	public Bus (string address) throws Error {
		tool = new DeyeBus.Client.tool (address, "tool");
		collector = new DeyeBus.Client (address, "collector", "procmond");
		tool.connect ();
		collector.connect ();
	}

	public void close () throws Error {
		tool.close ();
		collector.close ();
	}

	// Answers later: a call of another client comes in between.
	public async void answer (DeyeBus.Message request) {
		try {
			DeyeBus.PublishResult result;
			yield collector.publish_async (EVENT, null, null, true, null, out result);
			if (request.get_method () == "Fail")
				collector.respond_error (request, "org.example.NoDisk", "no such disk");
			else
				collector.respond (request, request.dup_payload (), null);
		} catch (Error error) {
			GLib.error ("not answered: %s", error.message);
		}
	}
}

Bytes payload (string text) {
	return new Bytes (text.data);
}

string text_of (DeyeBus.Message message) {
	var text = new StringBuilder ();
	text.append_len ((string) message.get_data (), message.get_data ().length);
	return text.str;
}

bool connects (Bus bus) throws Error {
	return bus.tool.get_role () == DeyeBus.Role.TOOL && bus.collector.get_role () == DeyeBus.Role.COLLECTOR
		&& bus.tool.get_state () == DeyeBus.ClientState.READY && bus.tool.id == "tool" && bus.tool.type == null
		&& bus.collector.type == "procmond" && bus.tool.broker_epoch != 0;
}

bool publishes_to_callback (Bus bus) throws Error {
	DeyeBus.Message? kept = null;
	DeyeBus.PublishResult result;
	var subscription = bus.tool.subscribe ("events.process.#", null, (subscription, message) => {
		kept = message;
	});
	bus.collector.publish (EVENT, payload ("pid 1"), null, out result);
	while (kept == null) // the watchdog ends the program
		MainContext.default ().iteration (true);
	subscription.unsubscribe ();
	return text_of (kept) == "pid 1" && kept.get_topic () == EVENT && kept.get_sender () == "collector"
		&& result.matched == 1 && result.queued == 1 && kept.get_sequence () == result.sequence;
}

bool takes_next (Bus bus) throws Error {
	var options = new DeyeBus.Options ();
	options.set_stage ("last");
	options.add_tag ("host", "a");
	var subscription = bus.tool.subscribe (EVENT, null, null);
	bus.collector.publish (EVENT, payload ("one"), options, null);
	var message = subscription.next (-1);
	subscription.unsubscribe ();
	return text_of (message) == "one" && message.get_stage () == "last" && message.dup_tags ()[0] == "host=a";
}

bool takes_a_policy (Bus bus) throws Error {
	var options = new DeyeBus.SubscribeOptions ();
	options.set_policy (DeyeBus.Policy.DROP_NEWEST);
	options.set_queue_messages (5);
	var seen = 0;
	var subscription = bus.tool.subscribe_full (EVENT, null, options, (subscription, message) => {
		seen++;
	});
	var asked = subscription.get_policy () == DeyeBus.Policy.DROP_NEWEST && subscription.get_queue_messages () == 5;
	subscription.pause ();
	bus.collector.publish (EVENT, payload ("kept"), null, null);
	options.set_policy (DeyeBus.Policy.CONFLATE);
	subscription.adjust (options);
	var kept = seen == 0 && subscription.is_paused ();
	subscription.resume ();
	while (seen == 0) // the watchdog ends the program
		MainContext.default ().iteration (true);
	subscription.unsubscribe ();
	return asked && kept && subscription.get_policy () == DeyeBus.Policy.CONFLATE;
}

bool tells_errors (Bus bus) throws Error {
	try {
		DeyeBus.PublishResult result;
		bus.collector.publish ("events.network.opened", null, null, out result);
	} catch (DeyeBus.Error.DENIED error) {
		return true;
	}
	return false;
}

async bool serves_async (Bus bus) throws Error {
	var serving = yield bus.collector.serve_async (TASK, null, (subscription, request) => {
		bus.answer.begin (request);
	}, null);
	var reply = yield bus.tool.request_async (TASK, payload ("question"), null, null);
	var named = false;
	var options = new DeyeBus.Options ();
	options.set_method ("Fail");
	try {
		yield bus.tool.request_async (TASK, null, options, null);
	} catch (DeyeBus.Error.FAILED error) {
		named = DeyeBus.Error.get_name (error) == "org.example.NoDisk";
	}
	yield serving.unsubscribe_async (null);
	return text_of (reply) == "question" && reply.is_final () && named;
}

// A service of the collector, introspected and called by the tool.
async bool serves_a_service (Bus bus) throws Error {
	var service = new DeyeBus.Service ("org.example.Clock", "Tells the time.");
	service.add_method ("Now", null, null, "The time.", (client, request) => {
		try {
			client.respond (request, payload ("noon"), null);
		} catch (Error error) {
			GLib.error ("not answered: %s", error.message);
		}
	});
	service.add_property ("zone", "UTC", true, "Time zone.");
	service.refuse_property.connect ((name, value) => value.get_string () == "nowhere");
	bus.collector.add_service (service);
	var options = new DeyeBus.Options ();
	options.set_target ("collector");
	options.set_method ("Now");
	var reply = yield bus.tool.request_async ("control.collector.collector", null, options, null);
	options.set_method ("Introspect");
	var introspection = yield bus.tool.request_async ("control.collector.collector", null, options, null);
	options.set_method ("SetProperty");
	var refused = false;
	try {
		// {name: "zone", value: {text: "nowhere"}}
		yield bus.tool.request_async ("control.collector.collector", payload ("\x12\x04zone\x1a\x09\x0a\x07nowhere"),
			options, null);
	} catch (DeyeBus.Error.FAILED error) {
		refused = DeyeBus.Error.get_name (error) == "Refused";
	}
	Value zone;
	var has_zone = service.read_property ("zone", out zone);
	return text_of (reply) == "noon" && text_of (introspection).contains ("org.example.Clock") && refused
		&& has_zone && zone.get_string () == "UTC";
}

async bool subscribes_async (Bus bus) throws Error {
	DeyeBus.PublishResult result;
	var subscription = yield bus.tool.subscribe_async (EVENT, null, null, null);
	yield bus.collector.publish_async (EVENT, payload ("async"), null, true, null, out result);
	var message = yield subscription.next_async (null);
	yield subscription.unsubscribe_async (null);
	yield bus.collector.publish_async (EVENT, payload ("last"), null, false, null, null);
	yield bus.collector.flush_async (null, true, null);
	bus.collector.flush (null, false);
	return text_of (message) == "async" && result.queued == 1 && bus.collector.unsent == 0;
}

// A collector and a submitter: one attempt fails, the next one succeeds.
async bool works_on_tasks (Bus bus) throws Error {
	var scanner = new DeyeBus.Collector (bus.tool.address, "scanner-1", "scanner");
	uint64 reported = 0;
	scanner.add_operation ("scan", null, DeyeBus.OperationFlags.IDEMPOTENT, (collector, work) => {
		try {
			work.progress (1, 2, "reading", payload ("sector 1"));
			if (work.get_attempt () == 1)
				work.retry ("the disk is busy", 1);
			else
				work.succeed (work.get_last_details (), null);
		} catch (Error error) {
			GLib.error ("no outcome: %s", error.message);
		}
	});
	yield scanner.start_async (null);
	var spec = new DeyeBus.TaskSpec ("scan");
	spec.set_payload (payload ("disk"), null);
	var task = bus.tool.submit (spec);
	task.progress.connect ((done, total, text) => {
		reported = done;
	});
	var result = yield task.wait_async (null);
	yield scanner.stop_async (1000000, null);
	return result.compare (payload ("sector 1")) == 0 && task.get_attempt () == 2 && reported == 1
		&& task.get_state () == DeyeBus.TaskState.SUCCEEDED && scanner.get_state () == DeyeBus.CollectorState.UNREGISTERED;
}

// One question to two collectors, one of which finds nothing.
async bool asks_many (Bus bus) throws Error {
	DeyeBus.Collector[] scanners = {};
	foreach (unowned string id in new string[] { "asked-1", "asked-2" }) {
		var scanner = new DeyeBus.Collector (bus.tool.address, id, "scanner");
		bool finds = id == "asked-1";
		scanner.add_operation ("look", null, DeyeBus.OperationFlags.IDEMPOTENT, (collector, work) => {
			work.set_rows (finds ? 1 : 0);
			try {
				work.succeed (payload (finds ? "found" : ""), null);
			} catch (Error error) {
				GLib.error ("no outcome: %s", error.message);
			}
		});
		yield scanner.start_async (null);
		scanners += scanner;
	}
	var spec = new DeyeBus.GatherSpec ("look");
	spec.set_require_all ();
	var gather = yield bus.tool.gather_async (spec, null);
	var answers = gather.get_answers ();
	var manifest = gather.dup_manifest ();
	foreach (var scanner in scanners)
		yield scanner.stop_async (1000000, null);
	return answers.length () == 2 && manifest.get_verdict () == DeyeBus.GatherVerdict.COMPLETE
		&& manifest.get_count (DeyeBus.AnswerClass.ANSWERED) == 1 && manifest.get_count (DeyeBus.AnswerClass.EMPTY) == 1;
}

async bool tells_closed (Bus bus) throws Error {
	var client = new DeyeBus.Client.tool (bus.tool.address, "other");
	Error? why = null;
	yield client.connect_async (null);
	client.closed.connect ((error) => {
		why = error.copy ();
		Idle.add (tells_closed.callback);
	});
	client.close ();
	yield;
	return why is DeyeBus.Error.CLOSED;
}

delegate bool Test (Bus bus) throws Error;

class Runner {
	public bool failed;
	int count;
	Bus bus;

	public Runner (string address) throws Error {
		bus = new Bus (address);
	}

	public void report (string name, bool holds) {
		stdout.printf ("%s %d /bindings/vala/%s\n", holds ? "ok" : "not ok", ++count, name);
		stdout.flush ();
		failed = failed || !holds;
	}

	public void run (string name, Test test) {
		try {
			report (name, test (bus));
		} catch (Error error) {
			report (name, false);
			stdout.printf ("# %s\n", error.message);
		}
	}

	public async void run_async () {
		try {
			report ("subscribe-async", yield subscribes_async (bus));
			report ("request-and-serve-async", yield serves_async (bus));
			report ("M23-introspect-and-call-a-service", yield serves_a_service (bus));
			report ("M11-tasks", yield works_on_tasks (bus));
			report ("M12-one-question-to-many", yield asks_many (bus));
			report ("closed-signal", yield tells_closed (bus));
			bus.close ();
		} catch (Error error) {
			report ("async", false);
			stdout.printf ("# %s\n", error.message);
		}
	}
}

int main (string[] args) {
	var loop = new MainLoop ();
	Timeout.add_seconds (120, () => {
		error ("still waiting");
	});
	try {
		var runner = new Runner (args[1]);
		stdout.printf ("1..11\n");
		runner.run ("connect", connects);
		runner.run ("publish-to-callback", publishes_to_callback);
		runner.run ("next", takes_next);
		runner.run ("errors", tells_errors);
		runner.run ("M08-policy", takes_a_policy);
		runner.run_async.begin (() => loop.quit ());
		loop.run ();
		return runner.failed ? 1 : 0;
	} catch (Error error) {
		stdout.printf ("Bail out! %s\n", error.message);
		return 1;
	}
}
