import { Command, Option } from 'commander';
import { makeToken, wrongName } from '../access.js';
import { StartError } from '../server.js';
import { USER_ROLES, type Role } from '../store/store.js';
import { dataCommand, noteDone, print, withStore, type DataFlags } from './command.js';

export function userCommand(): Command {
  const add = dataCommand('add')
    .description('add a user; prints the token to sign in with, which is kept nowhere')
    .requiredOption('--name <name>', 'who that is')
    .addOption(new Option('--role <role>', 'what they may do').choices(USER_ROLES).default('viewer'))
    .action(({ data, json, name, role }: DataFlags & { name: string; role: Role }) =>
      withStore(data, async (store) => {
        const { token, tokenHash } = makeToken();
        const wrong = wrongName(name);
        if (wrong) throw new StartError(`--${wrong}`);
        if (!(await store.addUser({ name: name.trim(), role, createdAt: Date.now() }, tokenHash)))
          throw new StartError(`there is a user called ${name} already; remove it first, or choose another name`);
        await noteDone(store, 'addUser', null, `${name.trim()} (${role})`);
        print({ name: name.trim(), role, token }, { json });
      }),
    );
  const list = dataCommand('list')
    .description('list the users')
    .action(({ data, json }: DataFlags) =>
      withStore(data, async (store) => {
        for (const { name, role, createdAt } of await store.users())
          print({ name, role, createdAt: new Date(createdAt).toJSON() }, { json });
      }),
    );
  const remove = dataCommand('remove')
    .description('remove a user, and end its sessions')
    .requiredOption('--name <name>', 'who that is')
    .action(({ data, json, name: given }: DataFlags & { name: string }) =>
      withStore(data, async (store) => {
        const name = given.trim();
        if (!(await store.removeUser(name))) throw new StartError(`there is no user called ${name}`);
        await noteDone(store, 'removeUser', null, name);
        print({ name, removed: true }, { json });
      }),
    );
  const user = new Command('user').description('manage who may read and change what');
  for (const command of [add, list, remove]) user.addCommand(command);
  return user;
}
