"""Who am I, and who may I be. A root may not assume a role, so a user does."""
import json


def play(do, side):
    allow = lambda action, resource: json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": resource}]})
    trust = json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "sts:AssumeRole"}]})
    iam = side.recorder("iam")
    role = iam("CreateRole", RoleName="assumed", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    iam("CreateUser", UserName="assumer")
    iam("PutUserPolicy", UserName="assumer", PolicyName="assume", PolicyDocument=allow("sts:*", "*"))
    key = iam("CreateAccessKey", UserName="assumer")["AccessKey"]
    user = side.recorder("sts", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
    user.calls = do.calls

    do("GetCallerIdentity")
    user("GetCallerIdentity", "user")
    do("AssumeRole", "root", RoleArn=role, RoleSessionName="session")
    answer = user("AssumeRole", RoleArn=role, RoleSessionName="session", DurationSeconds=900)
    user("AssumeRole", "with a policy", RoleArn=role, RoleSessionName="session", Policy=allow("s3:GetObject", "*"))
    user("AssumeRole", "too short", RoleArn=role, RoleSessionName="session", DurationSeconds=1)
    user("AssumeRole", "bad name", RoleArn=role, RoleSessionName="a b")
    user("AssumeRole", "missing", RoleArn="arn:aws:iam::111122223333:role/nowhere", RoleSessionName="session")
    do("GetAccessKeyInfo", AccessKeyId=answer["Credentials"]["AccessKeyId"])
    user("GetSessionToken")
    user("GetSessionToken", "too short", DurationSeconds=1)
    user("GetFederationToken", Name="guest", Policy=allow("s3:GetObject", "*"))
    do("AssumeRoleWithWebIdentity", "bad token", RoleArn=role, RoleSessionName="session", WebIdentityToken="noto.ken.atall")
    do("AssumeRoleWithSAML", "bad assertion", RoleArn=role, PrincipalArn="arn:aws:iam::111122223333:saml-provider/x", SAMLAssertion="bm8gYXNzZXJ0aW9u")
