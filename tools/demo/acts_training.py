"""Acts 1, 2, 3 and 6: the training flow."""

from __future__ import annotations

import hashlib
import json
import re

from act import SHORT, Act
from parts import PartError
from setting import GRAPH, MODELS, TRAINING, wait_for
from watch import plain

EXPERIMENT = "MLflow's experiment"
TRAIN_JOBS = ["build_train", "test_train", "deploy_train"]
GRAPH_JOBS = ["build_graph", "test_graph", "deploy_graph"]


def first_release(act: Act) -> None:
    s = act.setting
    commit = s.push_example()
    act.terminal.step(f"git push: main is {commit[:SHORT]}")
    pipeline = wait_for("a pipeline for the push", lambda: next((p for p in s.api.pipelines() if p["sha"] == commit), 0))
    act.last_pipeline = pipeline["id"]
    done = act.watch.pipeline(pipeline["id"])
    if not act.same(done["status"], "success", f"pipeline #{pipeline['id']} of the push passed"):
        return
    act.same(sorted(act.jobs(pipeline["id"])), sorted(TRAIN_JOBS + GRAPH_JOBS), "it had the six jobs of both flows")

    links = act.live_releases()
    act.check(len(set(links.values())) == 1 and links[MODELS[0]], f"three venvs are live: {links[MODELS[0]]}", links)
    facts = json.loads(s.training.read(f"{TRAINING}/{MODELS[0]}/current/release.json"))
    tag = s.registry.digest(act.image("training"), commit[:SHORT])
    act.check(tag and tag == facts["digest"] and facts["commit"] == commit, f"they came from training:{commit[:SHORT]}",
              f"registry {tag}\nhost {facts}")
    act.check(tag and act.wait_latest("training", tag), f"latest of training is that digest, {str(tag)[7:19]}")
    graph_tag = s.registry.digest(act.image("graph"), commit[:SHORT])
    act.check(graph_tag and act.wait_latest("graph", graph_tag), f"latest of graph is graph:{commit[:SHORT]}, {str(graph_tag)[7:19]}")
    _first_graph(act, commit)

    runs = act.train()
    experiment = s.mlflow.experiment("curriculum-coach")
    act.same({m: (r["experiment"], r["status"]) for m, r in runs.items()}, {m: (experiment, "FINISHED") for m in MODELS},
             f"each model trained into MLflow's experiment {experiment} (curriculum-coach)")
    act.same({r["tags"].get("mlflow.source.git.commit") for r in runs.values()}, {commit},
             "the runs are tagged with the commit")


def _first_graph(act: Act, commit: str) -> None:
    s = act.setting
    file = s.curriculum_object("roadmap-v1")
    roadmap = json.loads(file.read_text())
    facts = s.neo4j.facts("curriculum")
    act.check(facts["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest() and facts["commit"] == commit,
              f"the graph's pointer names version {facts['id']}, loaded from roadmap-v1.json", facts)
    act.same(s.neo4j.counts("curriculum")[1:], (len(roadmap["nodes"]), len(roadmap["edges"])),
             f"it has {len(roadmap['nodes'])} nodes and {len(roadmap['edges'])} edges, as the file does")
    said = json.loads(s.graph_host.sh(f"{GRAPH}/graph/current/run json_to_neo4j.py --ask math:quadratic-equation"))
    act.check(len(said["prerequisites"]) == 3 and said["version"] == facts["id"],
              f"the coach on the graph host is answered: {said['code']} needs "
              + ", ".join(p["code"] for p in said["prerequisites"]), said)


def new_data(act: Act) -> None:
    s = act.setting
    before = act.everything()
    version = act.landed("training", "training/batch-002.jsonl", s.training_object("batch-002"))
    act.same(version["state"], "live", f"{version['source']}/{version['number']} went live")
    commit = version["candidate_sha"]
    _one_line(act, before["main"], commit, version["object_version"])
    act.same(act.jobs(version["pipeline"]), dict.fromkeys(TRAIN_JOBS, "success"),
             f"only {', '.join(TRAIN_JOBS)} ran, and passed")
    digest = s.registry.digest(act.image("training"), commit[:SHORT])
    release = _flipped(act, before, commit, digest)
    act.same(s.main(), commit, "main was fast-forwarded to the candidate")
    act.same(act.latest("training"), digest, f"latest of training moved to {str(digest)[7:19]}")
    act.unchanged(before, ["latest of graph", "live graph release", "graph pointer", "graph content",
                           "MLflow's configuration"], "the graph, its image and MLflow's settings were not touched")
    deployed = max(job["finished_at"] for job in s.api.jobs(version["pipeline"]))
    act.check(deployed <= version["finished_at"], "promotion came last: after every job had ended",
              f"{deployed} {version['finished_at']}")
    act.gone_branches()

    runs = act.train()
    act.same({r["experiment"] for r in runs.values()}, {before[EXPERIMENT]},
             f"the next runs went on in the same experiment, {before[EXPERIMENT]}")
    wanted = {"mlflow.source.git.commit": commit, "data.uri": version["uri"], "data.version_id": version["object_version"],
              "data.sha256": version["sha256"], "cd.image_digest": digest, "cd.release_id": release}
    for run in runs.values():
        run["found"] = {name: run["tags"].get(name) for name in wanted}
    act.check(all(r["found"] == wanted for r in runs.values()),
              "each run is tagged with commit, data URI, version and hash, image digest and release",
              "\n".join(f"{m}: {r['found']}" for m, r in runs.items()) + f"\nwanted {wanted}")
    _lineage(act, version, digest, release, [r["id"] for r in runs.values()])


def _one_line(act: Act, base: str, candidate: str, object_version: str) -> None:
    s = act.setting
    s.git("fetch", "-q", "origin", "main")
    stat = s.git("diff", "--numstat", base, candidate)
    lines = [line for line in s.git("diff", "-U0", base, candidate).splitlines()
             if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    for line in lines:
        act.terminal.note(line)
    act.check(stat.split() == ["1", "1", "train.py"] and len(lines) == 2 and f"versionId={object_version}" in lines[1]
              and all(line[1:].startswith("DATA_PATH = ") for line in lines),
              "the candidate commit changes exactly one line: train.py's data path, to this object's version", stat)
    act.same(s.git("rev-parse", f"{candidate}^"), base, "its parent is the main that was live")


def _flipped(act: Act, before: dict, commit: str, digest: str | None) -> str:
    links = act.live_releases()
    release = links[MODELS[0]]
    act.check(len(set(links.values())) == 1 and release and release not in before["live releases"].values(),
              f"the three releases flipped as a group, to {release}", links)
    facts = {json.dumps({k: v for k, v in json.loads(act.setting.training.read(f"{TRAINING}/{m}/current/release.json"))
                         .items() if k in ("commit", "digest")}, sort_keys=True) for m in MODELS}
    act.same(facts, {json.dumps({"commit": commit, "digest": digest}, sort_keys=True)},
             f"each is training:{commit[:SHORT]}, the image that was tested and pushed")
    live = [r for r in act.setting.api.releases("training") if r["live"]]
    act.same(sorted((r["member"], r["release"]) for r in live), sorted((m, release) for m in MODELS),
             "`tidegate releases training` says the same")
    return release


def _lineage(act: Act, version: dict, digest: str | None, release: str, runs: list[str]) -> None:
    asked = {"object": version["key"], "object version": version["uri"],
             "dataset version": f"training/{version['number']}", "commit": version["candidate_sha"],
             "short commit": version["candidate_sha"][:SHORT], "pipeline": f"#{version['pipeline']}",
             "image digest": digest, "release": release, "MLflow run": runs[0]}
    wanted = [version["uri"], version["candidate_sha"], digest, release, f'"id":{version["pipeline"]},', *runs]
    wrong = []
    for kind, what in asked.items():
        try:
            said = act.setting.cli("lineage", str(what), "--json")
            missing = [one for one in wanted if str(one) not in said]
            if missing:
                wrong.append(f"{kind} ({what}): lacks {', '.join(map(str, missing))}")
        except PartError as error:
            wrong.append(f"{kind} ({what}): {error}")
    for line in act.setting.cli("lineage", release).splitlines():
        act.terminal.note(line[:150])
    act.check(not wrong, "`tidegate lineage` leads from each of object, version, commit, pipeline, digest, release and "
              "MLflow run to all the others", "\n".join(wrong))


def bad_data(act: Act) -> None:
    s = act.setting
    places = [f"{TRAINING}/{name}" for name in (*MODELS, "shared", "state")]
    before, tree = act.everything(), s.training.snapshot(*places)
    version = act.landed("training", "training/batch-broken.jsonl", s.training_object("batch-broken"))
    act.same(version["state"], "rejected", f"training/{version['number']} was rejected")
    jobs = act.jobs(version["pipeline"])
    act.same((jobs["build_train"], jobs["test_train"]), ("success", "failed"), "its image was built, and test_train failed")
    act.check(jobs["deploy_train"] in ("skipped", "canceled", "created"), f"deploy_train never ran ({jobs['deploy_train']})",
              jobs)
    act.unchanged(before, list(before), "main, latest, live releases, graph and MLflow's configuration are as before")
    act.same(s.training.snapshot(*places), tree,
             f"every byte on the training host is as before ({tree['files']} files, {tree['bytes'] >> 20} MB hashed)")
    act.same(s.registry.digest(act.image("training"), version["candidate_sha"][:SHORT]), None,
             "the refused image was never pushed")
    act.gone_branches()
    said = s.cli("data", "show", f"training/{version['number']}")
    for line in said.splitlines():
        act.terminal.note(line[:170])
    act.check("batch-broken.jsonl" in said and "test_train" in said and re.search(r"line 17: label 12 ", said),
              "`tidegate data show` names the object, the job, and the line of its log: line 17, label 12", said)


def bad_release(act: Act) -> None:
    s = act.setting
    before = act.everything()
    release = before["live releases"][MODELS[0]]
    live = [f"{TRAINING}/{m}/releases/{release}" for m in MODELS] + [f"{TRAINING}/shared"]
    tree = s.training.snapshot(*live)
    version = act.landed("training", "training/batch-shuffled.jsonl", s.training_object("batch-shuffled"))
    act.same(version["state"], "rejected", f"training/{version['number']} was rejected")
    made = act.setting.api.jobs(version["pipeline"])
    act.same({j["name"]: j["status"] for j in made},
             {"build_train": "success", "test_train": "success", "deploy_train": "failed"},
             "its tests passed; only the release failed")
    log = plain(s.api.trace(next(j["id"] for j in made if j["name"] == "deploy_train")))
    act.check("health failed" in log and re.search(r"reads \d+\.\d% of the hold-out right; 85% is the floor", log),
              "the health check on the host says why: accuracy on the hold-out", "\n".join(log.splitlines()[-12:]))
    act.check("flipped to" in log and "all releases flipped back" in log, "it had been flipped to, and all were flipped back",
              "\n".join(log.splitlines()[-12:]))
    act.same(act.live_releases(), before["live releases"], f"all three are the release before again, {release}")
    act.same(s.training.snapshot(*live), tree, f"byte for byte: nothing was rebuilt ({tree['files']} files)")
    act.same(len(made), 3, "and no job ran twice or was added")
    delivery = next(d for d in s.api.deliveries()["deliveries"] if d["pipeline"] == version["pipeline"])
    digest = s.registry.digest(act.image("training"), version["candidate_sha"][:SHORT])
    bad = [q["digest"] for q in s.api.deliveries()["quarantined"]]
    act.check(digest and digest == delivery["digest"] and digest in bad, f"its digest {str(digest)[7:19]} is in quarantine",
              f"pushed {digest}\ndelivered {delivery['digest']}\nquarantined {bad}")
    act.unchanged(before, list(before), "main and latest never moved")
    act.gone_branches()
    said = s.training.sh(f"cd {TRAINING}/mlp/current/src && ../run train.py --check").strip().splitlines()[-1]
    act.check("reads" in said, f"what is live is healthy ({said})")
