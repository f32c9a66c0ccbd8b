"""Who am I, and who may I be."""
import json


def play(do, side):
    trust = json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "sts:AssumeRole"}]})
    role = side.recorder("iam")("CreateRole", RoleName="assumed", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    do("GetCallerIdentity")
    answer = do("AssumeRole", RoleArn=role, RoleSessionName="session", DurationSeconds=900)
    do("AssumeRole", "too short", RoleArn=role, RoleSessionName="session", DurationSeconds=1)
    do("AssumeRole", "bad name", RoleArn=role, RoleSessionName="a b")
    do("AssumeRole", "missing", RoleArn="arn:aws:iam::111122223333:role/nowhere", RoleSessionName="session")
    do("GetAccessKeyInfo", AccessKeyId=answer["Credentials"]["AccessKeyId"])
    do("GetSessionToken")
    do("GetSessionToken", "too short", DurationSeconds=1)
    do("GetFederationToken", Name="guest", Policy=json.dumps({"Version": "2012-10-17", "Statement": []}))
    do("AssumeRoleWithWebIdentity", "bad token", RoleArn=role, RoleSessionName="session", WebIdentityToken="noto.ken.atall")
    do("AssumeRoleWithSAML", "bad assertion", RoleArn=role, PrincipalArn="arn:aws:iam::111122223333:saml-provider/x", SAMLAssertion="bm8gYXNzZXJ0aW9u")
