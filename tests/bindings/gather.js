// SPDX-License-Identifier: Apache-2.0
// One question to two collectors, of which one fails, from JavaScript: `gjs gather.js ADDRESS`.
imports.gi.versions.DeyeBus = '1.0';
const {DeyeBus, GLib} = imports.gi;
imports.searchPath.unshift(GLib.path_get_dirname(imports.system.programPath));
const {check} = imports.common;

const [address] = ARGV;
const loop = new GLib.MainLoop(null, false);

function startCollector(id, handle) {
    const collector = DeyeBus.Collector.new(address, id, 'scanner');
    collector.add_operation('scan', null, DeyeBus.OperationFlags.IDEMPOTENT, (from, work) => handle(work));
    collector.start();
    while (collector.get_state() !== DeyeBus.CollectorState.READY)
        GLib.MainContext.default().iteration(true);
    return collector;
}

function ask(client, spec, done) {
    client.gather_async(spec, null, (source, result) => {
        try {
            done(client.gather_finish(result));
        } catch (error) {
            printerr(error.message);
        }
        loop.quit();
    });
    loop.run();
}

const collectors = [
    startCollector('scanner-1', work => {
        work.set_rows(1);
        work.succeed(new GLib.Bytes(new TextEncoder().encode('found')), null);
    }),
    startCollector('scanner-2', work => work.fail('org.example.NoDisk', 'no disk')),
];
const client = DeyeBus.Client.new_tool(address, 'asker');
client.connect(null);

const spec = DeyeBus.GatherSpec.new('scan');
spec.set_require_all();
ask(client, spec, gather => {
    let code = 0;
    try {
        gather.get_answers();
    } catch (error) {
        code = error.code;
    }
    check(code === DeyeBus.Error.PARTIAL, 'the answers are not enough');
    const [answer, ...others] = gather.accept_partial();
    check(others.length === 0 && answer.get_id() === 'scanner-1', 'one has answered');
    check(new TextDecoder().decode(answer.dup_payload().get_data()) === 'found', 'the payload');
    const manifest = gather.dup_manifest();
    check(manifest.get_count(DeyeBus.AnswerClass.FAILED) === 1, 'one has failed');
    check(manifest.list_missing().join() === 'scanner-2', 'and is named');
    check(manifest.list_entries().some(entry => (entry.get_text() || '').includes('no disk')), 'with its reason');
    collectors.forEach(collector => collector.get_client().close(null));
    client.close(null);
    print('done');
});
