// Does with the AWS SDK for JavaScript what any client of the cloud does.
// Usage: clients.mjs CALLBACK_URL CONNECTION_ID PAYLOAD
import { LambdaClient, ListFunctionsCommand, InvokeCommand } from '@aws-sdk/client-lambda';
import { ApiGatewayV2Client, GetApisCommand } from '@aws-sdk/client-apigatewayv2';
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import {
    ApiGatewayManagementApiClient, PostToConnectionCommand, GetConnectionCommand, GoneException,
} from '@aws-sdk/client-apigatewaymanagementapi';

const [callback, connection, payload] = process.argv.slice(2);
const lambda = new LambdaClient();
const functions = (await lambda.send(new ListFunctionsCommand())).Functions.map(f => f.FunctionName).sort();
const apis = (await new ApiGatewayV2Client().send(new GetApisCommand())).Items.map(a => a.Name).sort();
const answer = await lambda.send(new InvokeCommand({ FunctionName: 'publish-lambda', Qualifier: 'next', Payload: payload }));
const item = await new DynamoDBClient().send(new GetItemCommand({
    TableName: 'quotewire-prices', Key: { ticker: { S: 'EIQQ' } }, ConsistentRead: true,
}));
const management = new ApiGatewayManagementApiClient({ endpoint: callback });
await management.send(new PostToConnectionCommand({ ConnectionId: connection, Data: 'hello from AWS SDK for JavaScript' }));
const seen = await management.send(new GetConnectionCommand({ ConnectionId: connection }));
try {
    await management.send(new PostToConnectionCommand({ ConnectionId: 'AAAAAAAAAAAAAAA=', Data: 'nobody' }));
    throw new Error('a post to a connection that never was succeeded');
} catch (err) {
    if (!(err instanceof GoneException)) throw err;
}
console.log(JSON.stringify({
    Functions: functions,
    APIs: apis,
    Answer: answer.Payload.transformToString(),
    Price: item.Item.price.N,
    SourceIP: seen.Identity.SourceIp,
}));
