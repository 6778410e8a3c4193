// SPDX-License-Identifier: Apache-2.0
// Publishes in bulk from Vala, with a real broker: `bulk ADDRESS`, TAP output.

const string EVENT = "events.process.started";

class Bulk : Object {
	DeyeBus.Client tool;
	DeyeBus.Client collector;
	string[] got = {};

	public Bulk (string address) throws Error {
		tool = new DeyeBus.Client.tool (address, "tool");
		collector = new DeyeBus.Client (address, "collector", "procmond");
		tool.connect ();
		collector.connect ();
		tool.subscribe (EVENT, null, (subscription, message) => {
			var text = new StringBuilder ();
			text.append_len ((string) message.get_data (), message.get_data ().length);
			got += text.str;
		});
	}

	public void close () throws Error {
		tool.close ();
		collector.close ();
	}

	// Waits for @n messages, which are "NAME 0", "NAME 1", ...
	bool arrive (string name, int n) {
		while (got.length < n)
			MainContext.default ().iteration (true);
		var right = got.length == n;
		for (int i = 0; right && i < n; i++)
			right = got[i] == "%s %d".printf (name, i);
		got = {};
		return right;
	}

	// Messages between hold() and release() are written together. The finally block releases even after an error.
	public bool holds () throws Error {
		collector.hold ();
		try {
			for (int i = 0; i < 10; i++)
				collector.publish (EVENT, new Bytes ("held %d".printf (i).data), null, null);
			if (!collector.is_held () || collector.get_unsent () != 10)
				return false;
		} finally {
			collector.release ();
		}
		return !collector.is_held () && arrive ("held", 10);
	}

	public bool publishes_many () throws Error {
		Bytes[] payloads = {};
		size_t n;
		for (int i = 0; i < 100; i++)
			payloads += new Bytes ("many %d".printf (i).data);
		collector.publish_many (EVENT, payloads, null, out n);
		return n == 100 && arrive ("many", 100);
	}

	public bool coalesces () throws Error {
		collector.coalesce = true;
		for (int i = 0; i < 100; i++)
			collector.publish (EVENT, new Bytes ("loop %d".printf (i).data), null, null);
		collector.flush (null, false);
		collector.coalesce = false;
		return collector.get_unsent () == 0 && arrive ("loop", 100);
	}

	public bool sends_from_a_thread () throws Error {
		var sender = new DeyeBus.Sender (collector, 16, 0);
		bool flushed_all = false;
		bool over = false;
		var thread = new Thread<bool> ("sender", () => {
			for (int i = 0; i < 100; i++)
				while (!put (sender, i))
					;
			flushed_all = flushed (sender);
			Idle.add (() => {
				over = true;
				return Source.REMOVE;
			});
			return true;
		});
		while (!over)
			MainContext.default ().iteration (true);
		return thread.join () && flushed_all && arrive ("thread", 100) && sender.get_refused () == 0;
	}

	// False: the sender was full, and has room again.
	static bool put (DeyeBus.Sender sender, int i) {
		try {
			return sender.publish (EVENT, new Bytes ("thread %d".printf (i).data), null);
		} catch (Error error) {
			flushed (sender);
			return false;
		}
	}

	static bool flushed (DeyeBus.Sender sender) {
		try {
			return sender.flush (null, false);
		} catch (Error error) {
			return false;
		}
	}
}

delegate bool Check () throws Error;

int number = 0;
bool failed = false;

void run (string name, Check check) {
	bool passed = false;
	try {
		passed = check ();
	} catch (Error error) {
		stdout.printf ("# %s\n", error.message);
	}
	stdout.printf ("%s %d /bindings/vala/bulk/%s\n", passed ? "ok" : "not ok", ++number, name);
	failed = failed || !passed;
}

int main (string[] args) {
	Timeout.add_seconds (120, () => {
		error ("still waiting");
	});
	try {
		var bulk = new Bulk (args[1]);
		stdout.printf ("1..4\n");
		run ("hold", bulk.holds);
		run ("publish-many", bulk.publishes_many);
		run ("coalesce", bulk.coalesces);
		run ("sender-in-a-thread", bulk.sends_from_a_thread);
		bulk.close ();
	} catch (Error error) {
		stdout.printf ("Bail out! %s\n", error.message);
		return 1;
	}
	return failed ? 1 : 0;
}
