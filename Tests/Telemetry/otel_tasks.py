"""A Celery program that OpenTelemetry's own instrumentation traces: a worker (`celery -A otel_tasks worker`), and a caller (`python otel_tasks.py`).

Spans are written as lines of JSON to the file that SPANS names.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from celery import Celery, chain
from opentelemetry import trace
from opentelemetry.instrumentation.celery import CeleryInstrumentor
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult

app = Celery("otel_tasks", broker=os.environ["BROKER"], backend=os.environ["BROKER"])
app.conf.update(task_default_queue="python", broker_connection_retry_on_startup=True, worker_hijack_root_logger=False)


class LineExporter(SpanExporter):
    """Writes each span as a line."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Appends the spans."""
        with Path(os.environ["SPANS"]).open("a") as file:
            for span in spans:
                line = {
                    "span": span.name,
                    "trace_id": f"{span.context.trace_id:032x}",
                    "span_id": f"{span.context.span_id:016x}",
                    "parent_id": f"{span.parent.span_id:016x}" if span.parent else None,
                }
                file.write(json.dumps(line) + "\n")
        return SpanExportResult.SUCCESS


provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(LineExporter()))
trace.set_tracer_provider(provider)
CeleryInstrumentor().instrument()


@app.task(name="interop.add")
def ours(x: int, y: int) -> int:
    """Runs in our worker: here it is only called."""
    raise NotImplementedError


@app.task(name="python.add")
def add(x: int, y: int) -> int:
    """Adds."""
    return x + y


if __name__ == "__main__":
    with trace.get_tracer("caller").start_as_current_span("caller"):
        result = chain(ours.s(1, 2).set(queue="swift"), add.s(4).set(queue="python")).apply_async()
    print(result.get(timeout=30))
    sys.exit(0)
