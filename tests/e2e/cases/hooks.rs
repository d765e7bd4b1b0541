//! Cases of hooks, with a plugin (`tests/fixtures/gatekeeper`) that takes part in everything.

use objectos_tests::HostBuilder;

use super::{drivers, host_with, run};

const FILES: [(&str, &str); 2] = [
    (
        "gate.object.yml",
        "
name: gate
fields:
  name: { type: text, required: true }
  former_name: { type: text }
  keeper: { type: text }
  hidden: { type: boolean }
  state: { type: select, options: [{ label: Open, value: open, default: true }, { label: Shut, value: shut }, { label: Locked, value: locked }] }
",
    ),
    (
        "bell.object.yml",
        "name: bell\nfields:\n  gate: { type: lookup, reference: gate }\n",
    ),
];

const TABLE: &str = r#"
# before a record is made: who asks is known; what is stored can be changed, and what was kept is handed over
POST gate {"id": "g1", "name": "north"} => 201 {"record": {"name": "north", "keeper": "local", "state": "open", "greeting": "welcome, north"}}
POST gate {"id": "g2", "name": "south", "hidden": true} => 201
# a throw blocks it
POST gate {"name": "forbidden"} => 400 validation_error
POST gate/createMany [{"id": "g3", "name": "west"}, {"name": "forbidden"}] => 400 validation_error
# what is stored with it: records of the plugin's own objects, none of anybody else's
POST gate {"id": "g4", "name": "logged"} => 201
GET sys_gate_log?gate=g4 => 200 {"total": 1}
POST gate {"id": "g5", "name": "smuggled"} => 403 permission_denied
GET sys_gate_log => 200 {"total": 1}
GET sys_metadata?name=smuggled => 200 {"total": 0}
# nor are events that the plugin's manifest does not name, and what is done is no handler's to say
POST gate {"id": "g6", "name": "unannounced"} => 403 permission_denied
POST gate {"id": "g6", "name": "elsewhere"} => 403 permission_denied
GET sys_gate_log => 200 {"total": 1}
GET gate/g6 => 404 record_not_found
DELETE gate/g4 => 200

# before and after records are found: the query is narrowed, counts as well, and the result added to
GET gate => 200 {"records": [{"id": "g1", "seen": true}], "total": 1}
GET gate/g1 => 200 {"record": {"seen": true, "greeting": null}}
GET gate/g2 => 404 record_not_found
POST gate/query {"where": {"name": {"$in": ["north", "south"]}}} => 200 {"records": [{"id": "g1"}], "total": 1}
POST gate/query {"aggregations": [{"function": "count", "alias": "n"}]} => 200 {"records": [{"n": 1}]}
# so is what comes by a relation: what is hidden is not there, and what is shown was added to
POST bell {"id": "b2", "gate": "g1"} => 201
POST bell {"id": "b3", "gate": "g2"} => 201
GET bell?expand=gate&sort=id => 200 {"records": [{"id": "b2", "gate": {"id": "g1", "seen": true}}, {"id": "b3", "gate": null}], "total": 2}
GET bell/b3?expand=gate => 200 {"record": {"id": "b3", "gate": null}}
GET bell/b3 => 200 {"record": {"gate": "g2"}}
DELETE bell/b2 => 200
DELETE bell/b3 => 200

# before a change: the record as it was, and what is modified
PATCH gate/g1 {"name": "north"} => 200 {"record": {"former_name": null}}
PATCH gate/g1 {"name": "far north"} => 200 {"record": {"name": "far north", "former_name": "north"}}
# the change of a state is looked at, and a throw blocks it
PATCH gate/g1 {"state": "locked"} => 400 validation_error
GET gate/g1 => 200 {"record": {"state": "open"}}
PATCH gate/g1 {"state": "shut"} => 200
PATCH gate/g1 {"state": "locked"} => 200

# before a record is deleted: the record as it was, and what depends on it
POST bell {"id": "b1", "gate": "g1"} => 201
DELETE gate/g1 => 400 validation_error
DELETE bell/b1 => 200
DELETE gate/g1 => 200 {"deleted": true}
GET gate => 200 {"total": 0}
"#;

#[test]
fn every_case_of_hooks() {
    for driver in drivers() {
        let builder = HostBuilder::new().plugin("gatekeeper");
        let host = host_with(builder, driver, "hooks", &FILES);
        run(&host, TABLE);
        // What a handler says reaches whoever asked.
        let refused = host
            .client()
            .send("POST", "/api/v1/data/gate", &serde_json::json!({ "name": "forbidden" }));
        assert_eq!(refused.json()["error"]["message"], "no gate is called that");
        for (name, parts) in [
            ("smuggled", ["test.gatekeeper", "sys_metadata", "grant `system`"]),
            (
                "unannounced",
                ["test.gatekeeper", "gate.unannounced", "events.publishes"],
            ),
            ("elsewhere", ["test.gatekeeper", "`object`", "data.before_insert"]),
        ] {
            let refused = host
                .client()
                .send("POST", "/api/v1/data/gate", &serde_json::json!({ "name": name }));
            let message = refused.json()["error"]["message"].to_string();
            for part in parts {
                assert!(message.contains(part), "{part}: {message}");
            }
        }
    }
}
