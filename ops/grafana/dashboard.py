#!/usr/bin/env python3
"""Writes the Grafana dashboard: ops/grafana/dashboard.py > ops/grafana/tidemark.json"""

import json
import sys

RATE = "$__rate_interval"


def p99(metric, by):
    return f"histogram_quantile(0.99, sum by ({by}, le) (rate({metric}_bucket{{instance=~\"$instance\"}}[{RATE}])))"


def rate(metric, by, labels=""):
    return f"sum by ({by}) (rate({metric}{{instance=~\"$instance\"{labels}}}[{RATE}]))"


def level(metric):
    return f"{metric}{{instance=~\"$instance\"}}"


# Row: panels. Panel: title, unit, [(query, legend)].
ROWS = [
    ("Service", [
        ("Ready", "short", [(level("tidemark_node_ready"), "{{instance}}")]),
        ("Requests", "reqps", [(rate("tidemark_http_requests_total", "surface, status"), "{{surface}} {{status}}")]),
        ("Request time, p99", "s", [(p99("tidemark_http_request_seconds", "surface, route"), "{{surface}} {{route}}")]),
        ("Connections", "short", [(level("tidemark_http_connections"), "open"), (level("tidemark_http_requests_in_flight"), "requests"),
                                  (level("tidemark_http_streams"), "streams"), (level("tidemark_http_web_sockets"), "WebSockets")]),
        ("Certificate valid for", "s", [("(" + level("tidemark_tls_certificate_valid_until_seconds") + " > 0) - time()", "{{instance}}")]),
        ("Traffic", "Bps", [(rate("tidemark_http_received_bytes_total", "instance"), "in"), (rate("tidemark_http_sent_bytes_total", "instance"), "out")]),
    ]),
    ("Commands", [
        ("Commands", "ops", [(rate("tidemark_lane_commands_total", "domain, verdict"), "{{domain}} {{verdict}}")]),
        ("Waiting", "short", [(level("tidemark_lane_queue_commands"), "{{instance}}")]),
        ("Batches, p99", "s", [(p99("tidemark_lane_decide_seconds", "instance"), "decide"), (p99("tidemark_lane_append_seconds", "instance"), "append")]),
        ("Commands in a batch, p99", "short", [(p99("tidemark_lane_batch_commands", "instance"), "{{instance}}")]),
        ("Timers fired", "ops", [(rate("tidemark_lane_timers_fired_total", "domain"), "{{domain}}")]),
    ]),
    ("Log", [
        ("Sync and commit, p99", "s", [(p99("tidemark_log_sync_seconds", "instance"), "sync"), (p99("tidemark_log_commit_seconds", "instance"), "commit")]),
        ("Records", "ops", [(rate("tidemark_log_records_total", "instance"), "records"), (rate("tidemark_log_commits_total", "instance"), "commits")]),
        ("Written", "Bps", [(rate("tidemark_log_written_bytes_total", "instance"), "{{instance}}")]),
        ("Appends refused", "ops", [(rate("tidemark_log_refused_appends_total", "instance"), "{{instance}}")]),
        ("Sealing and retention", "Bps", [(rate("tidemark_log_sealed_bytes_total", "instance"), "sealed"), (rate("tidemark_log_cut_bytes_total", "instance"), "cut"),
                                          (rate("tidemark_log_sealing_failures_total", "instance"), "failures")]),
        ("Records kept", "short", [("sum by (topic) (" + level("tidemark_log_end_records") + " - " + level("tidemark_log_cut_records") + ")", "{{topic}}")]),
    ]),
    ("Log on Kafka", [
        ("Append, p99", "s", [(p99("tidemark_kafka_append_seconds", "instance"), "append"), (p99("tidemark_kafka_request_seconds", "instance"), "a request's mean"),
                              (p99("tidemark_kafka_history_read_seconds", "instance"), "read of old records")]),
        ("Appends", "ops", [(rate("tidemark_kafka_appends_total", "outcome"), "{{outcome}}"), (rate("tidemark_kafka_settled_appends_total", "outcome"), "settled: {{outcome}}")]),
        ("Records", "ops", [(rate("tidemark_kafka_records_total", "instance"), "{{instance}}")]),
        ("Written", "Bps", [(rate("tidemark_kafka_written_bytes_total", "instance"), "records"), (rate("tidemark_kafka_sent_bytes_total", "instance"), "sent to brokers")]),
        ("Records to follow", "short", [(level("tidemark_kafka_follow_lag_records"), "{{instance}}")]),
        ("Lanes taken", "ops", [(rate("tidemark_kafka_takes_total", "outcome"), "{{outcome}}")]),
        ("Trouble with brokers", "ops", [(rate("tidemark_kafka_request_errors_total", "instance"), "errors"), (rate("tidemark_kafka_request_retries_total", "instance"), "retries"),
                                         (rate("tidemark_kafka_request_timeouts_total", "instance"), "timeouts"), (rate("tidemark_kafka_disconnects_total", "instance"), "disconnects")]),
    ]),
    ("Projections", [
        ("Behind, age", "s", [(level("tidemark_projection_lag_seconds"), "{{projection}}")]),
        ("Behind, events", "short", [(level("tidemark_projection_lag_events"), "{{projection}}"),
                                     (level("tidemark_projection_rebuild_lag_events"), "{{projection}} rebuild")]),
        ("Applied", "ops", [(rate("tidemark_projection_applied_events_total", "projection"), "{{projection}}")]),
        ("Lanes stopped", "short", [(level("tidemark_projection_stopped_lanes"), "{{projection}}")]),
        ("Applying, p99", "s", [(p99("tidemark_projection_apply_seconds", "projection"), "{{projection}}")]),
    ]),
    ("Builds", [
        ("Queue", "short", [(level("tidemark_builds_queue_builds"), "{{state}}")]),
        ("Assignment, p99", "s", [(p99("tidemark_builds_assignment_seconds", "instance"), "{{instance}}")]),
        ("Timeouts", "ops", [(rate("tidemark_builds_timeouts_total", "instance"), "{{instance}}")]),
    ]),
    ("Reactions", [
        ("Pending", "short", [(level("tidemark_reactions_pending"), "{{domain}}")]),
        ("Ended", "ops", [(rate("tidemark_reactions_ended_total", "domain, outcome"), "{{domain}} {{outcome}}")]),
        ("Outbound calls", "ops", [(rate("tidemark_outbound_calls_total", "domain, result"), "{{domain}} {{result}}"),
                                   (rate("tidemark_outbound_held_back_total", "domain"), "{{domain}} held back")]),
    ]),
    ("Disk and process", [
        ("Stores, p99", "s", [(p99("tidemark_store_write_seconds", "store"), "{{store}} write"), (p99("tidemark_store_flush_seconds", "store"), "{{store}} flush")]),
        ("Blobs", "short", [(rate("tidemark_blob_stored_total", "instance"), "stored/s"), (level("tidemark_blob_damaged_total"), "damaged"),
                            (level("tidemark_blob_disk_full_total"), "disk full")]),
        ("Data disk", "bytes", [(level("tidemark_data_free_bytes"), "free"), (level("tidemark_data_size_bytes"), "size")]),
        ("Memory", "bytes", [(level("process_resident_memory_bytes"), "resident")]),
        ("Processor", "percentunit", [(rate("process_cpu_seconds_total", "instance"), "{{instance}}")]),
        ("Descriptors", "short", [(level("process_open_fds"), "open"), (level("process_max_fds"), "limit")]),
    ]),
]
COLUMNS, WIDTH, HEIGHT = 3, 8, 8


def dashboard():
    panels, y = [], 0
    for row, members in ROWS:
        panels.append({"id": len(panels) + 1, "type": "row", "title": row, "collapsed": False, "panels": [],
                       "gridPos": {"x": 0, "y": y, "w": 24, "h": 1}})
        y += 1
        for i, (title, unit, queries) in enumerate(members):
            panels.append({
                "id": len(panels) + 1, "type": "timeseries", "title": title, "datasource": {"type": "prometheus", "uid": "$datasource"},
                "gridPos": {"x": i % COLUMNS * WIDTH, "y": y + i // COLUMNS * HEIGHT, "w": WIDTH, "h": HEIGHT},
                "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
                "targets": [{"refId": chr(ord("A") + k), "expr": expression, "legendFormat": legend}
                            for k, (expression, legend) in enumerate(queries)]})
        y += (len(members) + COLUMNS - 1) // COLUMNS * HEIGHT
    return {
        "title": "Tidemark", "uid": "tidemark", "schemaVersion": 38, "version": 1, "editable": True, "tags": ["tidemark"],
        "time": {"from": "now-1h", "to": "now"}, "refresh": "30s",
        "templating": {"list": [
            {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Data source"},
            {"name": "instance", "type": "query", "label": "Node", "multi": True, "includeAll": True, "refresh": 2,
             "datasource": {"type": "prometheus", "uid": "$datasource"}, "query": "label_values(tidemark_build_info, instance)",
             "current": {"text": "All", "value": "$__all"}}]},
        "panels": panels}


if __name__ == "__main__":
    json.dump(dashboard(), sys.stdout, indent=1)
    sys.stdout.write("\n")
