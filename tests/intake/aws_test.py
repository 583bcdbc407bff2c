"""S3, SNS, SQS and EventBridge as moto plays them, and AWS's own client: an object that is PUT there becomes a version here.

Needs the lab's part `aws` (TIDEGATE_AWS_PYTHON: a Python with moto and boto3). Every test has a server of its own.
"""
import json
import os
import subprocess
import sys
import unittest
from pathlib import Path

PYTHON = os.environ.get("TIDEGATE_AWS_PYTHON", "")
if PYTHON and Path(PYTHON).exists() and Path(sys.prefix) != Path(PYTHON).parent.parent:
    os.execv(PYTHON, [PYTHON, "-m", "unittest", *sys.argv[1:]])

sys.path.append(str(Path(__file__).resolve().parents[1] / "e2e"))
from harness import ENVIRONMENT, Folder, Project, Server, free_port, until  # noqa: E402

try:
    import boto3
    from botocore.config import Config
except ImportError:
    boto3 = None

TRAIN = 'DATA_PATH = "s3://team/training/none"\n'
CI = 'test_train:\n  script:\n    - test ! -e pwned && python3 train.py\n'
PROJECT = """data:
  training:
    source: s3://team/training/
    ready: { quiet: 0s }
    bind: [{ file: train.py, name: DATA_PATH }]
  curriculum:
    source: s3://team/curriculum/
    ready: { quiet: 0s }
    bind: [{ file: roadmap.py, name: DATA_PATH }]
"""


class Moto:
    """A moto server and clients for it."""

    def __init__(self, folder: Path, port: int | None = None):
        self.folder, self.port = folder, port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        with (self.folder / "moto.log").open("ab") as log:
            self.process = subprocess.Popen([Path(PYTHON).parent / "moto_server", "-H", "127.0.0.1", "-p", str(self.port)],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=ENVIRONMENT)

        def answers() -> bool:
            try:
                self.client("sqs").list_queues()
                return True
            except Exception:
                return False
        until("moto answers", answers)

    def client(self, service: str):
        return boto3.client(service, endpoint_url=self.url, region_name="us-east-1", aws_access_key_id="key",
                            aws_secret_access_key="secret", config=Config(retries={"max_attempts": 0}))

    def close(self) -> None:
        self.process.terminate()
        self.process.wait()


@unittest.skipIf(boto3 is None, "no moto: TIDEGATE_AWS_PYTHON is not set (tools/lab/lab up aws)")
class Aws(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = Folder("aws")
        self.addCleanup(self.folder.remove)
        self.moto = Moto(self.folder.path)
        self.addCleanup(lambda: self.moto.close())
        self.s3, self.sqs, self.sns = (self.moto.client(name) for name in ("s3", "sqs", "sns"))
        self.s3.create_bucket(Bucket="team")
        self.s3.put_bucket_versioning(Bucket="team", VersioningConfiguration={"Status": "Enabled"})
        dead = self.sqs.create_queue(QueueName="dead")["QueueUrl"]
        self.dead = dead
        self.queue = self.sqs.create_queue(QueueName="events", Attributes={
            "VisibilityTimeout": "1",
            "RedrivePolicy": json.dumps({"deadLetterTargetArn": self.arn(dead), "maxReceiveCount": 2})})["QueueUrl"]

    def arn(self, queue: str) -> str:
        return self.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    def serve(self, more: str = "", listing: str = "1h") -> Project:
        """Listings are out of the way: what comes, comes by events."""
        self.server = Server(self.folder.path,
                             f"s3: {{ endpoint: '{self.moto.url}', access_key: key, secret_key: secret }}\n"
                             f"sqs:\n  - {{ queue_url: '{self.queue}', project: e2e/aws }}\n{more}")
        text = self.server.config.read_text().replace("reconcile_every: 1s", f"reconcile_every: {listing}")
        self.server.config.write_text(text)
        self.server.start()
        self.addCleanup(self.server.close)
        project = self.server.project("e2e/aws")
        sha = project.push({"train.py": TRAIN, "roadmap.py": TRAIN, ".gitlab-ci.yml": CI, "tidegate.yml": PROJECT})
        project.pipeline(project.pipeline_of(sha)["id"], "success")
        until("both baselines", lambda: self.server.log.read_text(errors="replace").count(": baseline of ") >= 2)
        return project

    def notify(self, **configuration) -> None:
        self.s3.put_bucket_notification_configuration(Bucket="team", NotificationConfiguration=configuration)

    def put(self, key: str, body: bytes = b"data") -> str:
        return self.s3.put_object(Bucket="team", Key=key, Body=body)["VersionId"]

    def arrives(self, project: Project, number: int, key: str, version: str, source: str = "training",
                origins: tuple[str, ...] = ("queue",)) -> None:
        found = project.version(source, number, "live")
        self.assertEqual((found["key"], found["object_version"]), (key, version))
        events = project.own(f"/data/{source}/{number}")["events"]
        self.assertEqual([e["origin"] for e in events if e["origin"] not in origins], [])

    def left(self, queue: str) -> int:
        got = self.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=[
            "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"])["Attributes"]
        return sum(int(n) for n in got.values())

    def to_queue(self) -> None:
        self.notify(QueueConfigurations=[{"QueueArn": self.arn(self.queue), "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]}])

    def test_s3_to_sqs(self) -> None:
        """The test event is proof of the connection; each object arrives once; the queue is empty after."""
        project = self.serve()
        self.to_queue()
        keys = ["training/a b+c.jsonl", "training/$(touch pwned)%2F'\".jsonl", "training/한국어.jsonl",
                "training/\u1112\u1161\u11ab.jsonl", "training/" + "k" * 1015]
        for number, key in enumerate(keys, 1):
            self.arrives(project, number, key, self.put(key), "training")
        self.arrives(project, 1, "curriculum/r.json", self.put("curriculum/r.json"), "curriculum")
        self.s3.delete_object(Bucket="team", Key=keys[0])
        self.s3.put_object_tagging(Bucket="team", Key=keys[2], Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
        until("the queue is empty", lambda: self.left(self.queue) == 0)
        self.assertEqual(len(project.versions("training")), len(keys))
        self.assertEqual(self.left(self.dead), 0)
        self.assertEqual([p for p in self.folder.path.rglob("pwned")], [])
        contacts = project.own("/data")["contacts"]
        self.assertEqual([(c["kind"], c["subject"], c["channel"]) for c in contacts], [("test", "team", self.queue)])
        self.server.kill()
        self.server.start()
        self.assertEqual(project.own("/data")["contacts"], contacts)

    def test_s3_to_sns_to_sqs(self) -> None:
        project = self.serve()
        topic = self.sns.create_topic(Name="objects")["TopicArn"]
        self.notify(TopicConfigurations=[{"TopicArn": topic, "Events": ["s3:ObjectCreated:*"]}])
        wrapped = self.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=self.arn(self.queue),
                                     ReturnSubscriptionArn=True)["SubscriptionArn"]
        self.arrives(project, 1, "training/wrapped 1", self.put("training/wrapped 1"))
        self.sns.set_subscription_attributes(SubscriptionArn=wrapped, AttributeName="RawMessageDelivery", AttributeValue="true")
        self.arrives(project, 2, "training/raw+2", self.put("training/raw+2"))

    def test_event_bridge_to_sqs(self) -> None:
        project = self.serve()
        events = self.moto.client("events")
        events.put_rule(Name="objects", EventPattern=json.dumps({"source": ["aws.s3"]}))
        events.put_targets(Rule="objects", Targets=[{"Id": "queue", "Arn": self.arn(self.queue)}])
        self.notify(EventBridgeConfiguration={})
        self.arrives(project, 1, "training/a+b%2B c", self.put("training/a+b%2B c"))

    def test_a_bad_message_holds_no_other_and_goes_to_the_dead_letters(self) -> None:
        project = self.serve()
        self.to_queue()
        for body in ("hello", '{"Records": [{"eventVersion": "9.0"}]}', "[" * 10_000):
            self.sqs.send_message(QueueUrl=self.queue, MessageBody=body)
        self.arrives(project, 1, "training/good", self.put("training/good"))
        until("the bad ones are given up", lambda: self.left(self.dead) == 3)
        refused = [c for c in project.own("/data")["contacts"] if c["kind"] == "refused"]
        self.assertEqual(len(refused), 3)
        self.assertTrue(any("not JSON" in c["detail"] for c in refused), refused)
        self.assertTrue(any("Records[0].eventVersion is not 2.x" in c["detail"] for c in refused), refused)

    def test_nothing_is_lost_while_the_server_is_down_or_killed(self) -> None:
        project = self.serve()
        self.to_queue()
        for round_ in range(1, 4):
            self.server.kill()
            made = self.put(f"training/{round_}")
            self.server.start()
            # A server that starts also lists the bucket; which of the two is quicker does not matter.
            self.arrives(project, round_, f"training/{round_}", made, origins=("queue", "listing"))
            until("the queue is empty", lambda: self.left(self.queue) == 0)
        self.server.terminate()
        self.assertIn("stopped", self.server.tail())
        self.server.start()
        until("the queue is empty", lambda: self.left(self.queue) == 0)
        self.assertEqual((len(project.versions("training")), self.left(self.dead)), (3, 0))

    def test_a_queue_that_is_down_is_waited_for(self) -> None:
        project = self.serve()
        self.moto.close()
        until("it says so", lambda: "[warning] sqs:" in self.server.log.read_text() or "trying again" in self.server.tail(200))
        self.moto.start()  # with nothing in it: the queue is made anew
        self.s3.create_bucket(Bucket="team")
        self.s3.put_bucket_versioning(Bucket="team", VersioningConfiguration={"Status": "Enabled"})
        self.assertEqual(self.sqs.create_queue(QueueName="events")["QueueUrl"], self.queue)
        self.to_queue()
        self.arrives(project, 1, "training/later", self.put("training/later"))

    def test_sns_over_http(self) -> None:
        """moto signs with a certificate that is not at SNS: believed only where the operator says so."""
        project = self.serve()
        token = project.make_token("hook")
        topic = self.sns.create_topic(Name="objects")["TopicArn"]
        self.notify(TopicConfigurations=[{"TopicArn": topic, "Events": ["s3:ObjectCreated:*"]}])
        self.sns.subscribe(TopicArn=topic, Protocol="http",
                           Endpoint=f"http://127.0.0.1:{self.server.port}/hooks/s3/training?token={token}")
        self.put("training/unproven")
        until("it is refused", lambda: "SNS" in self.server.log.read_text() or "sns." in self.server.log.read_text())
        self.assertEqual(project.versions("training"), [])
        self.server.terminate()
        self.server.config.write_text(self.server.config.read_text() + "sns: { verify: false }\n")
        self.server.start()
        project.version("training", 1, "live")  # the server that starts lists the bucket
        self.arrives(project, 2, "training/believed", self.put("training/believed"), origins=("hook",))


if __name__ == "__main__":
    unittest.main()
