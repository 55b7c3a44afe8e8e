"""The invoker of a development stage: one small Lambda a job, which hands runs to a developer's machine.

Its zip is exactly what importing `livejob.stub_lambda.handler` needs of livejob; boto3 is the runtime's.
"""
