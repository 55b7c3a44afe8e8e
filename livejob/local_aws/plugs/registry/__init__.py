"""ECR's registry: what `docker push` and `docker pull` speak, with ECR's tokens and IAM's permissions.

MiniStack has ECR's API and a registry that lets everybody in and keeps all in memory. This one takes the
registry's place and leaves repositories and tags where MiniStack has them, so both see the same images.
"""
