"""Queues in a local SQS server, apart from the server, which takes long to import."""

from vidwiz.adapters.sqs import SqsQueue

ACCESS = {
    "region_name": "us-east-1",
    "aws_access_key_id": "key-id",
    "aws_secret_access_key": "very-secret",
}


def sqs_queue(url: str, endpoint_url: str, **options: float) -> SqsQueue:
    return SqsQueue(
        url,
        region="us-east-1",
        endpoint_url=endpoint_url,
        access_key_id="key-id",
        secret_access_key="very-secret",
        **options,
    )
