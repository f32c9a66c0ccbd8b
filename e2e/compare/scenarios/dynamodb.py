"""Tables, what is in them, and their settings."""


def play(do, _):
    t = "prices"
    keys = dict(AttributeDefinitions=[{"AttributeName": "ticker", "AttributeType": "S"}, {"AttributeName": "at", "AttributeType": "N"}],
                KeySchema=[{"AttributeName": "ticker", "KeyType": "HASH"}])
    index = [{"IndexName": "by-time", "KeySchema": [{"AttributeName": "at", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"}}]
    arn = do("CreateTable", TableName=t, BillingMode="PAY_PER_REQUEST", GlobalSecondaryIndexes=index, Tags=[{"Key": "team", "Value": "quotes"}],
             **keys)["TableDescription"]["TableArn"]
    do("CreateTable", "duplicate", TableName=t, BillingMode="PAY_PER_REQUEST", GlobalSecondaryIndexes=index, **keys)
    do("CreateTable", "unused attribute", TableName="other", BillingMode="PAY_PER_REQUEST", **keys)
    do("CreateTable", "provisioned", TableName="slow", AttributeDefinitions=keys["AttributeDefinitions"][:1], KeySchema=keys["KeySchema"],
       ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 1})
    do("DescribeTable", "provisioned", TableName="slow")
    do("DescribeTable", TableName=t)
    do("DescribeTable", "missing", TableName="nowhere")
    do("ListTables")
    do("ListTables", "a page of one", Limit=1)
    do("UpdateTable", TableName=t, DeletionProtectionEnabled=True)
    do("DeleteTable", "protected", TableName=t)
    do("UpdateTable", TableName=t, DeletionProtectionEnabled=False)
    do("UpdateTable", "missing", TableName="nowhere", DeletionProtectionEnabled=False)
    do("UpdateTimeToLive", TableName=t, TimeToLiveSpecification={"AttributeName": "expires", "Enabled": True})
    do("DescribeTimeToLive", TableName=t)
    do("DescribeTimeToLive", "missing", TableName="nowhere")
    do("TagResource", ResourceArn=arn, Tags=[{"Key": "stage", "Value": "test"}])
    do("ListTagsOfResource", ResourceArn=arn)
    do("UntagResource", ResourceArn=arn, TagKeys=["stage"])
    do("DescribeLimits")
    do("DescribeEndpoints")
    do("DescribeContinuousBackups", TableName=t)
    do("ListBackups")
    do("ListGlobalTables")

    key = {"ticker": {"S": "EIQQ"}}
    item = key | {"at": {"N": "1"}, "price": {"N": "2200"}, "flags": {"SS": ["a"]}, "more": {"M": {"x": {"L": [{"BOOL": True}, {"NULL": True}]}}}}
    do("PutItem", TableName=t, Item=item, ReturnConsumedCapacity="TOTAL")
    do("PutItem", "returning", TableName=t, Item=item, ReturnValues="ALL_OLD")
    do("PutItem", "condition", TableName=t, Item=item, ConditionExpression="attribute_not_exists(ticker)")
    do("PutItem", "no key", TableName=t, Item={"price": {"N": "1"}})
    do("PutItem", "missing", TableName="nowhere", Item=item)
    do("GetItem", TableName=t, Key=key, ConsistentRead=True)
    do("GetItem", "nothing", TableName=t, Key={"ticker": {"S": "none"}})
    do("GetItem", "bad key", TableName=t, Key={"price": {"N": "1"}})
    do("GetItem", "missing", TableName="nowhere", Key=key)
    do("UpdateItem", TableName=t, Key=key, UpdateExpression="SET price = price + :one", ExpressionAttributeValues={":one": {"N": "1"}}, ReturnValues="UPDATED_NEW")
    do("UpdateItem", "reserved word", TableName=t, Key=key, UpdateExpression="SET name = :n", ExpressionAttributeValues={":n": {"S": "x"}})
    do("Query", TableName=t, KeyConditionExpression="ticker = :t", ExpressionAttributeValues={":t": {"S": "EIQQ"}}, ReturnConsumedCapacity="INDEXES")
    do("Query", "index", TableName=t, IndexName="by-time", KeyConditionExpression="#a = :t", ExpressionAttributeNames={"#a": "at"},
       ExpressionAttributeValues={":t": {"N": "1"}})
    do("Query", "count", TableName=t, Select="COUNT", KeyConditionExpression="ticker = :t", ExpressionAttributeValues={":t": {"S": "EIQQ"}})
    do("Scan", TableName=t)
    do("Scan", "a page of one", TableName=t, Limit=1)
    do("BatchWriteItem", RequestItems={t: [{"PutRequest": {"Item": {"ticker": {"S": "MODD"}}}}]})
    do("BatchGetItem", RequestItems={t: {"Keys": [key, {"ticker": {"S": "MODD"}}]}})
    do("TransactWriteItems", TransactItems=[{"Put": {"TableName": t, "Item": {"ticker": {"S": "QUTI"}}}}])
    do("TransactWriteItems", "cancelled", TransactItems=[{"Put": {"TableName": t, "Item": key, "ConditionExpression": "attribute_not_exists(ticker)"}}])
    do("TransactGetItems", TransactItems=[{"Get": {"TableName": t, "Key": key}}])
    do("DeleteItem", TableName=t, Key=key, ReturnValues="ALL_OLD")
    do("DeleteTable", TableName=t)
    do("DeleteTable", TableName="slow")
    do("DeleteTable", "missing", TableName=t)
