"""From job specs to resources in an AWS account: model, CloudFormation template, change set."""
