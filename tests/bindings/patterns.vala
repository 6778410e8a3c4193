// SPDX-License-Identifier: Apache-2.0
// Delivery patterns from Vala, by the generated vapi, with a real broker: `patterns ADDRESS`, TAP output.

const string EVENT = "events.process.started";
const string WORK = "tasks.procmond";

string address;

DeyeBus.Client collector (string id) throws Error {
	var client = new DeyeBus.Client (address, id, "procmond");
	client.connect ();
	return client;
}

DeyeBus.Client tool () throws Error {
	var client = new DeyeBus.Client.tool (address, "tool");
	client.connect ();
	return client;
}

Bytes payload (string text) {
	return new Bytes (text.data);
}

string text_of (DeyeBus.Message message) {
	var text = new StringBuilder ();
	text.append_len ((string) message.get_data (), message.get_data ().length);
	return text.str;
}

// Runs callbacks. If nothing ever happens, the watchdog ends the program.
void iterate () {
	MainContext.default ().iteration (true);
}

async bool waits_for_a_peer () throws Error {
	var asker = tool ();
	var late = false;
	DeyeBus.Peer? peer = null;
	asker.wait_for_peer_async.begin ("late", null, null, (source, result) => {
		try {
			peer = asker.wait_for_peer_async.end (result);
		} catch (Error error) {
			GLib.error ("not there: %s", error.message);
		}
		if (late)
			waits_for_a_peer.callback ();
	});
	var comes = collector ("late");
	late = true;
	if (peer == null)
		yield;
	var again = asker.wait_for_peer ("late", null);
	var options = new DeyeBus.Options ();
	options.set_timeout (1000);
	var in_time = true;
	try {
		asker.wait_for_peer ("nobody", options);
	} catch (DeyeBus.Error.TIMEOUT error) {
		in_time = false;
	}
	comes.close ();
	asker.close ();
	return peer.get_kind () == "procmond" && peer.get_incarnation () == again.get_incarnation () && !in_time;
}

bool watches_peers () throws Error {
	var asker = tool ();
	var seen = "";
	var watch = asker.watch_peers ("mond-*");
	watch.appeared.connect ((peer) => { seen += "+" + peer.get_id (); });
	watch.gone.connect ((peer) => { seen += "-" + peer.get_id (); });
	while (!watch.is_complete ())
		iterate ();
	var one = collector ("mond-1");
	while (watch.lookup ("mond-1") == null)
		iterate ();
	var listed = watch.list_peers ();
	var alone = listed.length == 1 && listed[0].get_id () == "mond-1";
	one.close ();
	while (watch.lookup ("mond-1") != null)
		iterate ();
	watch.stop ();
	asker.close ();
	return alone && seen == "+mond-1-mond-1";
}

bool shares_work () throws Error {
	var asker = tool ();
	var members = new DeyeBus.Client[] { collector ("one"), collector ("two") };
	int[] counts = { 0, 0 };
	var options = new DeyeBus.SubscribeOptions ();
	options.set_strategy (DeyeBus.Strategy.ROUND_ROBIN);
	options.set_in_flight (10);
	options.set_weight (2);
	var first = members[0].subscribe_full (WORK, "workers", options, () => { counts[0]++; });
	options.set_weight (1);
	var second = members[1].subscribe_full (WORK, "workers", options, () => { counts[1]++; });
	// A member that does not handle its messages for a while gets none.
	for (var i = 0; i < 6; i++) {
		asker.publish (WORK, null, null, null);
		while (counts[0] + counts[1] <= i)
			iterate ();
	}
	first.unsubscribe ();
	second.unsubscribe ();
	members[0].close ();
	members[1].close ();
	asker.close ();
	return counts[0] == 4 && counts[1] == 2;
}

async bool confirms () throws Error {
	var asker = tool ();
	var worker = collector ("one");
	var handled = 0;
	var nobody = false;
	try {
		asker.publish_confirmed (WORK, null, null);
	} catch (DeyeBus.Error.NO_RESPONDERS error) {
		nobody = true;
	}
	var subscription = worker.subscribe (WORK, "workers", () => { handled++; });
	yield asker.publish_confirmed_async (WORK, payload ("x"), null, null);
	subscription.unsubscribe ();
	worker.close ();
	asker.close ();
	return nobody && handled == 1;
}

bool repeats () throws Error {
	var asker = tool ();
	var one = collector ("one");
	var two = collector ("two");
	var options = new DeyeBus.Options ();
	options.set_at_least_once (true);
	var first = one.subscribe (WORK, "workers", null);
	DeyeBus.PublishResult result;
	asker.publish (WORK, payload ("kept"), options, out result);
	var second = two.subscribe (WORK, "workers", null);
	one.close (); // the message was sent to it, but it has not handled it
	var message = second.next (-1);
	two.close ();
	asker.close ();
	return first.get_group () == "workers" && result.queued == 1 && text_of (message) == "kept" && message.get_attempt () == 2;
}

bool tells_causes () throws Error {
	var asker = tool ();
	var worker = collector ("one");
	var only = new DeyeBus.SubscribeOptions ();
	only.set_filter_root_id ("vala-1");
	var works = worker.subscribe (WORK, null, null);
	var events = asker.subscribe_full (EVENT, null, only, null);
	var cause = new DeyeBus.Options ();
	cause.set_correlation_id ("vala-1");
	asker.publish (WORK, null, cause, null);
	var effect = new DeyeBus.Options ().child_of (works.next (-1));
	effect.set_correlation_id ("vala-2");
	worker.publish (EVENT, payload ("other"), null, null);
	worker.publish (EVENT, payload ("mine"), effect, null);
	var event = events.next (-1);
	worker.close ();
	asker.close ();
	return text_of (event) == "mine" && event.get_parent_id () == "vala-1" && event.get_root_id () == "vala-1"
		&& event.get_depth () == 1;
}

class Runner {
	public bool failed;
	int count;

	public void report (string name, bool holds, string? why = null) {
		stdout.printf ("%s %d /bindings/vala/%s\n", holds ? "ok" : "not ok", ++count, name);
		if (why != null)
			stdout.printf ("# %s\n", why);
		stdout.flush ();
		failed = failed || !holds;
	}

	public void run (string name, Test test) {
		try {
			report (name, test ());
		} catch (Error error) {
			report (name, false, error.message);
		}
	}

	public async void run_async () {
		try {
			report ("wait-for-peer", yield waits_for_a_peer ());
			report ("confirmed", yield confirms ());
		} catch (Error error) {
			report ("async", false, error.message);
		}
	}
}

delegate bool Test () throws Error;

int main (string[] args) {
	var loop = new MainLoop ();
	var runner = new Runner ();
	Timeout.add_seconds (120, () => {
		error ("still waiting");
	});
	address = args[1];
	stdout.printf ("1..6\n");
	runner.run ("watch-peers", watches_peers);
	runner.run ("M07-weights", shares_work);
	runner.run ("at-least-once", repeats);
	runner.run ("M24-child-and-filter", tells_causes);
	runner.run_async.begin (() => loop.quit ());
	loop.run ();
	return runner.failed ? 1 : 0;
}
