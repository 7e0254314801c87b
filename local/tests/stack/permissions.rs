//! What each function may do, and that it does nothing else.

use std::collections::{BTreeMap, BTreeSet};

use harness::{
    conversation::{Conversation, PASSWORD, Presence, Proof},
    deployment::{Build, Deployment},
    emulator::Emulator,
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    Outcome,
    template::{of_type, strings, translated},
};

/// What each role may do, beside writing its log.
fn expected_permissions() -> BTreeMap<&'static str, Vec<&'static str>> {
    let writes = ["dynamodb:PutItem", "dynamodb:UpdateItem", "secretsmanager:GetSecretValue"];
    BTreeMap::from([
        ("AuthorizeRole", vec!["dynamodb:GetItem on U#*", "dynamodb:Query on KEYS"]),
        (
            "ConnectRole",
            vec![
                "dynamodb:BatchGetItem",
                "dynamodb:ConditionCheckItem",
                "dynamodb:PutItem",
                "dynamodb:Query",
                "dynamodb:UpdateItem",
                "secretsmanager:GetSecretValue",
            ],
        ),
        ("LogoutRole", writes.to_vec()),
        (
            "RecordEventsRole",
            vec![
                "dynamodb:DescribeStream",
                "dynamodb:GetRecords",
                "dynamodb:GetShardIterator",
                "dynamodb:ListStreams",
                "sqs:SendMessage",
            ],
        ),
        ("RefreshRole", writes.to_vec()),
        (
            "RotateSecretRole",
            vec![
                "secretsmanager:GetSecretValue",
                "secretsmanager:PutSecretValue",
                "secretsmanager:UpdateSecretVersionStage",
            ],
        ),
        ("SessionPolicyRole", vec!["dynamodb:Query on KEYS"]),
        ("SessionsRole", vec!["dynamodb:ConditionCheckItem on U#*", "dynamodb:Query", "dynamodb:UpdateItem on U#*"]),
        ("ValidateSessionRole", vec!["dynamodb:GetItem", "dynamodb:Query", "dynamodb:UpdateItem on U#*"]),
    ])
}

#[test]
fn every_function_may_do_exactly_what_it_does() -> Outcome {
    let Some(template) = translated()? else { return Ok(()) };
    let mut permissions = BTreeMap::new();
    for (name, role) in of_type(&template, "AWS::IAM::Role") {
        let mut allowed = Vec::new();
        let policies = role["Policies"].as_array().ok_or("no policies")?;
        for statement in policies.iter().filter_map(|policy| policy["PolicyDocument"]["Statement"].as_array()).flatten()
        {
            assert_eq!(statement["Effect"], "Allow");
            let resources = match name {
                "RecordEventsRole" => vec![
                    json!({ "Fn::GetAtt": ["SessionTable", "StreamArn"] }),
                    json!({ "Fn::Sub": "${SessionTable.Arn}/stream/*" }),
                    json!({ "Fn::GetAtt": ["LostRecords", "Arn"] }),
                ],
                _ => vec![json!({ "Fn::GetAtt": ["SessionTable", "Arn"] }), json!({ "Ref": "MasterSecret" })],
            };
            assert!(resources.contains(&statement["Resource"]), "{name}: {}", statement["Resource"]);
            let condition = &statement["Condition"];
            let keys = ["ForAllValues:StringLike", "ForAllValues:StringEquals"];
            let keys: Vec<_> = keys
                .iter()
                .flat_map(|operator| strings(&condition[operator]["dynamodb:LeadingKeys"]))
                .filter(|key| key != "null")
                .collect();
            if !condition.is_null() {
                // A request without a key passes the first condition.
                assert_eq!(condition["Null"]["dynamodb:LeadingKeys"], "false", "{name}");
            }
            let limit = if keys.is_empty() { String::new() } else { format!(" on {}", keys.join(",")) };
            allowed.extend(strings(&statement["Action"]).iter().map(|action| format!("{action}{limit}")));
        }
        allowed.sort();
        let managed = strings(&role["ManagedPolicyArns"]);
        // Connect may stand in a VPC, where its network interfaces are made with this policy.
        let own = if name == "ConnectRole" { vec!["AWSLambdaVPCAccessExecutionRole"] } else { Vec::new() };
        let known =
            |arn: &String| own.iter().chain(&["AWSLambdaBasicExecutionRole"]).any(|policy| arn.ends_with(policy));
        assert!(managed.iter().all(known), "{name}: {managed:?}");
        permissions.insert(name, allowed);
    }
    let expected = expected_permissions()
        .into_iter()
        .map(|(role, actions)| (role, actions.into_iter().map(str::to_owned).collect()));
    assert_eq!(permissions, expected.collect());
    Ok(())
}

#[test]
fn whoever_may_write_without_a_key_limit_holds_the_secret() {
    // Public keys stand in the same table: writing one makes any token genuine.
    for (role, actions) in expected_permissions() {
        let writes =
            |action: &&&str| ["PutItem", "UpdateItem", "DeleteItem"].iter().any(|write| action.ends_with(write));
        let unlimited = actions.iter().filter(writes).count() > 0;
        assert!(!unlimited || actions.contains(&"secretsmanager:GetSecretValue"), "{role}");
    }
}

/// The table's part of what a request needs: actions, each with the partition that it is for.
fn rights(operation: &str, body: &Value) -> Vec<(String, String)> {
    let right =
        |action: &str, key: &Value| (format!("dynamodb:{action}"), key["S"].as_str().unwrap_or_default().to_owned());
    match operation {
        "Query" => vec![right(operation, &body["ExpressionAttributeValues"][":pk"])],
        "PutItem" => vec![right(operation, &body["Item"]["pk"])],
        "BatchGetItem" => {
            let tables = body["RequestItems"].as_object().into_iter().flatten();
            let keys = tables.flat_map(|(_, asked)| asked["Keys"].as_array().into_iter().flatten());
            keys.map(|key| right(operation, &key["pk"])).collect()
        }
        "TransactWriteItems" => {
            let items = body["TransactItems"].as_array().into_iter().flatten();
            let parts = items.flat_map(|item| item.as_object().into_iter().flatten());
            parts
                .map(|(kind, part)| match kind.as_str() {
                    "Put" => right("PutItem", &part["Item"]["pk"]),
                    "ConditionCheck" => right("ConditionCheckItem", &part["Key"]["pk"]),
                    kind => right(&format!("{kind}Item"), &part["Key"]["pk"]),
                })
                .collect()
        }
        _ => vec![right(operation, &body["Key"]["pk"])],
    }
}

/// Every kind of call to every function that uses the table.
async fn conversation(emulator: &Emulator, deployment: &Deployment) -> Outcome {
    let client = Conversation::with(&deployment.url);
    let ada = Proof::Password("ada", PASSWORD);
    let first = client.register("ada", true).await?.expect(201)?.session()?;
    let second = client.connect(ada, true).await?.expect(201)?.session()?;
    client.connect(Proof::Password("ada", "another password"), false).await?.expect(401)?;
    let guest = client.connect(Proof::Guest, false).await?.expect(201)?.session()?;

    for presence in [Presence::Nobody, Presence::Now] {
        client.poll(&first.access, presence).await?.expect(200)?;
    }
    let next = client.refresh(&first.refresh, &[]).await?.expect(200)?.session()?;
    client.refresh(&next.refresh, &[]).await?.expect(200)?;
    assert_eq!(client.refresh(&first.refresh, &[]).await?.refusal(), "session_ended reuse_detected");

    let third = client.connect(ada, true).await?.expect(201)?.session()?;
    let bearer = second.access.as_str();
    client.with_bearer(Method::GET, "/sessions", bearer).await?.expect(200)?;
    client.with_bearer(Method::DELETE, &format!("/sessions/{}", third.id), bearer).await?.expect(204)?;
    let passed = deployment.invoke_recorded("authorize/bearer", |event| {
        event["identitySource"] = json!([format!("Bearer {bearer}")]);
    });
    assert_eq!(passed.await?["isAuthorized"], true);
    client.with_bearer(Method::DELETE, "/sessions?scope=all", bearer).await?.expect(200)?;
    client.logout(&guest.refresh).await?.expect(204)?;
    client.get("/.well-known/jwks.json").await?.expect(200)?;

    let lost = client.register("eve", true).await?.expect(201)?.session()?;
    emulator.lose_sessions().await?;
    client.reconnect(&lost.reconnect, &[]).await?.expect(201)?;
    Ok(())
}

#[tokio::test]
async fn what_functions_ask_the_table_for_is_what_they_may_and_nothing_is_allowed_for_nothing() -> Outcome {
    let emulator = Emulator::start().await?;
    let build = Build::tested(&emulator.deployed()).await?;
    let deployment = Deployment::start(build, &emulator.embedded.url()).await?;
    conversation(&emulator, &deployment).await?;
    let expected = expected_permissions();
    for (function, requests) in deployment.requests().await {
        let role = expected.keys().find(|role| role.to_lowercase() == format!("{}role", function.replace('-', "")));
        let allowed = &expected[role.ok_or_else(|| format!("{function} has no role"))?];
        let mut unused: BTreeSet<&str> =
            allowed.iter().copied().filter(|right| right.starts_with("dynamodb:")).collect();
        for (operation, body) in requests {
            for (action, key) in rights(&operation, &serde_json::from_slice(&body)?) {
                let right = allowed.iter().find(|right| match right.split_once(" on ") {
                    None => **right == action,
                    Some((allowed, pattern)) => {
                        allowed == action
                            && pattern.strip_suffix('*').map_or(key == pattern, |start| key.starts_with(start))
                    }
                });
                let right = right.ok_or_else(|| format!("{function} may not {action} on {key}"))?;
                unused.remove(right);
            }
        }
        assert!(unused.is_empty(), "{function} never uses {unused:?}");
    }
    Ok(())
}
