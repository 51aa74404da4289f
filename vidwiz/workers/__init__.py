"""Workers: fetch from YouTube and write, speaking to the service over HTTP and SQS only."""
