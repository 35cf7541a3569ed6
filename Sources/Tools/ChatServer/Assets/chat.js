'use strict';
/* The chat page: one pane per person, all fed by one stream of events. Bot HTML comes from the server, which lets only Telegram's tags through. */

const words = {
  en: {
    newUser: 'New person', name: 'Name', speaks: 'Language', cancel: 'Cancel', add: 'Add', addUser: '+ Person', typing: 'typing', bot: 'bot', start: 'Start',
    message: 'Message', edited: 'edited', offline: 'No connection to the server; trying again…', today: 'Today', yesterday: 'Yesterday', commands: 'Commands',
    send: 'Send', block: 'Block the bot', unblock: 'Unblock the bot', blocked: 'The bot is blocked', close: 'Close the chat',
    welcome: 'Who shall talk to the bot?', hint: 'Every person has a private chat of their own. Add a second one to see that neither sees anything of the other.',
    empty: 'Nothing here yet. Press Start or write something.', failed: 'That did not work: ', switch: 'Русский', names: ['Ann', 'Bob'],
  },
  ru: {
    newUser: 'Новый собеседник', name: 'Имя', speaks: 'Язык', cancel: 'Отмена', add: 'Добавить', addUser: '+ Человек', typing: 'печатает', bot: 'бот', start: 'Начать',
    message: 'Сообщение', edited: 'изменено', offline: 'Нет связи с сервером, пробуем снова…', today: 'Сегодня', yesterday: 'Вчера', commands: 'Команды',
    send: 'Отправить', block: 'Заблокировать бота', unblock: 'Разблокировать бота', blocked: 'Бот заблокирован', close: 'Закрыть чат',
    welcome: 'Кто будет говорить с ботом?', hint: 'У каждого человека свой личный чат. Добавьте второго и убедитесь: чужого никто не видит.',
    empty: 'Пока пусто. Нажмите «Начать» или напишите что-нибудь.', failed: 'Не получилось: ', switch: 'English', names: ['Аня', 'Боб'],
  },
};
const store = {
  read(key, other) { try { return JSON.parse(localStorage.getItem('chat.' + key)) ?? other; } catch { return other; } },
  write(key, value) { try { localStorage.setItem('chat.' + key, JSON.stringify(value)); } catch { /* private window */ } },
};
let language = new URLSearchParams(location.search).get('lang') || store.read('language', (navigator.language || 'en').startsWith('ru') ? 'ru' : 'en');
if (!words[language]) language = 'en';
const say = key => words[language][key];
const byID = id => document.getElementById(id);

const chats = new Map();   // chat id → {user, messages: Map, unread, status, pane, typing}
let bot = {first_name: 'Bot'};
let commands = {};
let order = [];
let open = [];
let current = null;
const narrow = matchMedia('(max-width: 760px)');

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith('on')) made.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value === true ? '' : value);
  }
  made.append(...children.filter(child => child !== null && child !== undefined));
  return made;
}

async function post(path, body) {
  const response = await fetch(path, {method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify(body)});
  const answer = await response.json();
  if (!response.ok) { toast(say('failed') + (answer.description || response.status)); throw new Error(answer.description); }
  return answer;
}

function avatar(name, id, isBot) {
  const made = element('span', {class: 'avatar' + (isBot ? ' bot' : ''), 'aria-hidden': 'true'}, [...(name || '?')][0].toUpperCase());
  if (!isBot) made.style.background = `hsl(${(Number(id) * 47) % 360} 42% 46%)`;
  return made;
}

// ---- State

function chatOf(id) {
  if (!chats.has(id)) { chats.set(id, {id, user: {id, first_name: String(id)}, messages: new Map(), unread: 0, status: 'member', pane: null, loaded: false}); order.push(id); }
  return chats.get(id);
}

async function load() {
  const overview = await (await fetch('control/chats')).json();
  bot = overview.bot; commands = overview.commands;
  const known = new Set();
  for (const entry of [...overview.chats].sort((a, b) => a.chat_id - b.chat_id)) {
    known.add(entry.chat_id);
    const chat = chatOf(entry.chat_id);
    chat.user = entry.users[0] || chat.user; chat.title = entry.chat.title; chat.status = entry.bot_status; chat.loaded = false;
  }
  for (const id of [...chats.keys()]) if (!known.has(id)) chats.delete(id);
  order = order.filter(id => chats.has(id));
  const asked = Number(new URLSearchParams(location.search).get('chat')) || null;
  if (!open.length) open = asked ? [asked] : store.read('open', []);
  open = open.filter(id => chats.has(id));
  if (!open.length && order.length) open = order.slice(0, narrow.matches ? 1 : 2);
  if (!open.includes(current)) current = open[0] ?? null;
  draw();
}

async function fill(chat) {
  chat.loaded = true;
  const view = await (await fetch('control/chats/' + chat.id)).json();
  chat.messages = new Map(view.messages.map(message => [message.message_id, message]));
  if (view.users[0]) chat.user = view.users[0];
  chat.status = view.bot_status || 'member';
  drawMessages(chat, true);
}

function show(id) {
  if (narrow.matches) { current = id; if (!open.includes(id)) open.push(id); }
  else if (open.includes(id) && open.length > 1) { close(id); return; }
  else { if (!open.includes(id)) open.push(id); current = id; }
  chatOf(id).unread = 0;
  store.write('open', open); draw();
  chats.get(id).pane?.querySelector('textarea')?.focus();
}

function close(id) {
  open = open.filter(other => other !== id);
  if (chats.get(id)) chats.get(id).pane = null;
  if (current === id) current = open[0] ?? null;
  store.write('open', open); draw();
}

// ---- Drawing

function draw() {
  document.documentElement.lang = language;
  document.title = bot.first_name;
  byID('brand').textContent = bot.first_name;
  byID('language').textContent = say('switch');
  byID('offline').textContent = say('offline');
  for (const node of document.querySelectorAll('[data-text]')) node.textContent = say(node.dataset.text);
  drawPeople();
  const panes = byID('panes');
  const shown = open.map(id => chats.get(id)).filter(Boolean);
  panes.replaceChildren(...(shown.length ? shown.map(paneOf) : [welcome()]));
  for (const chat of shown) {
    chat.pane.classList.toggle('current', chat.id === current);
    if (!chat.loaded) fill(chat); else scrollDown(chat);
  }
}

function drawPeople() {
  byID('people').replaceChildren(
    ...order.map(id => {
      const chat = chats.get(id);
      const name = chat.title || chat.user.first_name;
      return element('button', {class: 'person', type: 'button', 'aria-pressed': String(narrow.matches ? id === current : open.includes(id)), onclick: () => show(id)},
        avatar(name, id), name, chat.unread ? element('span', {class: 'badge'}, String(chat.unread)) : null);
    }),
    element('button', {class: 'person add', type: 'button', id: 'add-person', onclick: addPerson}, say('addUser')));
}

function welcome() {
  return element('div', {class: 'nothing'}, element('span', {class: 'logo'}), element('h1', {}, say('welcome')), element('p', {}, say('hint')),
    element('div', {class: 'row'}, ...say('names').map(name => element('button', {class: 'primary', type: 'button', onclick: () => create(name, language)}, name)),
      element('button', {class: 'ghost', type: 'button', onclick: addPerson}, say('addUser'))));
}

function paneOf(chat) {
  if (chat.pane && chat.pane.dataset.language === language) return chat.pane;
  const input = element('textarea', {rows: '1', placeholder: say('message'), 'aria-label': say('message'), maxlength: '4096', enterkeyhint: 'send'});
  const send = element('button', {class: 'send', type: 'submit', 'aria-label': say('send'), disabled: true}, '➤');
  const grow = () => { input.style.height = 'auto'; input.style.height = Math.min(input.scrollHeight, 150) + 'px'; send.disabled = !input.value.trim(); };
  const form = element('form', {class: 'composer'},
    element('button', {class: 'menu', type: 'button', 'aria-label': say('commands'), title: say('commands'), onclick: () => menu(chat)}, '/'), input, send);
  const submit = async () => {
    const text = input.value.trim();
    if (!text) return;
    input.value = ''; grow();
    try { await write(chat, text); } catch { input.value = text; grow(); }
  };
  input.addEventListener('input', grow);
  input.addEventListener('keydown', event => { if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) { event.preventDefault(); submit(); } });
  form.addEventListener('submit', event => { event.preventDefault(); submit(); });
  const start = element('button', {class: 'primary start', type: 'button', onclick: () => write(chat, '/start')}, say('start'));
  chat.pane = element('section', {class: 'pane', 'data-chat': chat.id, 'data-language': language, 'aria-label': chat.user.first_name},
    element('header', {}, avatar(bot.first_name, bot.id, true),
      element('div', {class: 'who'}, element('b', {}, bot.first_name), element('small', {class: 'state'}, stateText(chat))),
      element('button', {class: 'icon block', type: 'button', title: chat.status === 'kicked' ? say('unblock') : say('block'), 'aria-label': say('block'), onclick: () => toggleBlock(chat)}, chat.status === 'kicked' ? '↺' : '⊘'),
      element('button', {class: 'icon close', type: 'button', title: say('close'), 'aria-label': say('close'), onclick: () => close(chat.id)}, '✕')),
    element('div', {class: 'messages', role: 'log', 'aria-live': 'polite'}), start, form);
  if (chat.loaded) drawMessages(chat, true);
  return chat.pane;
}

function stateText(chat) {
  if (chat.status === 'kicked') return say('blocked');
  return `${say('bot')} · ${chat.title || chat.user.first_name}`;
}

function drawMessages(chat, isJump) {
  if (!chat.pane) return;
  const list = chat.pane.querySelector('.messages');
  const rows = [];
  let day = '';
  for (const message of [...chat.messages.values()].sort((a, b) => a.message_id - b.message_id)) {
    const of = dayOf(message.date);
    if (of !== day) { rows.push(element('div', {class: 'day'}, of)); day = of; }
    rows.push(rowOf(chat, message));
  }
  list.replaceChildren(...(rows.length ? rows : [element('div', {class: 'nothing'}, say('empty'))]));
  chat.pane.querySelector('.start').hidden = chat.messages.size > 0;
  if (isJump) scrollDown(chat);
}

function scrollDown(chat) {
  const list = chat.pane?.querySelector('.messages');
  if (list) requestAnimationFrame(() => { list.scrollTop = list.scrollHeight; });
}

function dayOf(date) {
  const day = new Date(date * 1000), today = new Date();
  const days = Math.round((new Date(today).setHours(0, 0, 0, 0) - new Date(day).setHours(0, 0, 0, 0)) / 86400000);
  if (days === 0) return say('today');
  if (days === 1) return say('yesterday');
  return day.toLocaleDateString(language, {day: 'numeric', month: 'long'});
}

function rowOf(chat, message, isFresh) {
  const isMine = !message.from.is_bot;
  const bubble = element('div', {class: 'bubble'});
  if (isMine && chat.id < 0) bubble.append(element('div', {class: 'name'}, message.from.first_name));
  if (message.photo) {
    const picture = element('img', {src: message.photo.url, alt: '', width: message.photo.width, height: message.photo.height, onclick: () => window.open(message.photo.url)});
    picture.addEventListener('load', () => scrollDownIfNear(chat));
    bubble.append(picture);
  }
  if (message.document) bubble.append(element('a', {class: 'document', href: message.document.url, download: message.document.name}, '📄', message.document.name));
  if (message.html) {
    const text = element('div', {class: 'text', dir: 'auto'});
    if (isMine) text.append(...linked(message.text)); else text.innerHTML = message.html;
    bubble.append(text);
  }
  const time = new Date(message.date * 1000).toLocaleTimeString(language, {hour: '2-digit', minute: '2-digit'});
  const meta = element('div', {class: 'meta'});
  const history = element('div', {class: 'edits', hidden: true});
  if (message.edited) {
    for (const edit of message.edits) { const line = element('div', {}); line.innerHTML = edit.html; history.append(line); }
    meta.append(element('button', {type: 'button', onclick: () => { history.hidden = !history.hidden; }}, say('edited')), ' ');
  }
  meta.append(time);
  bubble.append(history, meta);
  const row = element('div', {class: 'message' + (isMine ? ' mine' : '') + (message.photo ? ' photo' : '') + (isFresh ? ' fresh' : ''), 'data-id': message.message_id}, bubble);
  if (message.buttons.length) row.append(keyboard(chat, message));
  return row;
}

function keyboard(chat, message) {
  return element('div', {class: 'keyboard'}, ...message.buttons.map(row => element('div', {}, ...row.map(button => element('button', {type: 'button', onclick: event => press(chat, message, button, event.currentTarget)}, button.text + (button.url ? ' ↗' : ''))))));
}

/** The user's own text: links become links, nothing else is markup. */
function linked(text) {
  return text.split(/(https?:\/\/\S+)/).map(part => /^https?:\/\//.test(part) ? element('a', {href: part, target: '_blank', rel: 'noopener noreferrer'}, part) : part);
}

function isNear(list) { return list.scrollHeight - list.scrollTop - list.clientHeight < 160; }
function scrollDownIfNear(chat) { const list = chat.pane?.querySelector('.messages'); if (list && list.scrollHeight - list.scrollTop - list.clientHeight < 500) scrollDown(chat); }

function put(chat, message) {
  const isNew = !chat.messages.has(message.message_id);
  chat.messages.set(message.message_id, message);
  if (!chat.pane || !chat.loaded) return;
  const list = chat.pane.querySelector('.messages');
  const near = isNear(list);
  const old = list.querySelector(`[data-id="${message.message_id}"]`);
  if (old) old.replaceWith(rowOf(chat, message));
  else if (chat.messages.size === 1 || !isNew) drawMessages(chat);
  else list.append(rowOf(chat, message, true));
  chat.pane.querySelector('.start').hidden = true;
  if (near || !message.from.is_bot) scrollDown(chat);
}

// ---- Doing

function write(chat, text) { return post('control/message', {chat_id: chat.id, user: chat.user, text}); }

async function press(chat, message, button, node) {
  if (button.url) { window.open(button.url, '_blank', 'noopener'); return; }
  node.classList.add('busy');
  setTimeout(() => node.classList.remove('busy'), 15000);
  try { await post('control/press', {chat_id: chat.id, message_id: message.message_id, user: chat.user, button: button.callback_data}); }
  catch { node.classList.remove('busy'); }
}

function toggleBlock(chat) { return post('control/my_chat_member', {chat_id: chat.id, user: chat.user, status: chat.status === 'kicked' ? 'member' : 'kicked'}); }

function menu(chat) {
  const there = chat.pane.querySelector('.commands');
  if (there) { there.remove(); return; }
  const list = commands[`default::${chat.user.language_code || ''}`] || commands['default::'] || [];
  if (!list.length) { const input = chat.pane.querySelector('textarea'); input.value = '/'; input.focus(); return; }
  const box = element('div', {class: 'commands'}, ...list.map(entry => element('button', {type: 'button', onclick: () => { box.remove(); write(chat, '/' + entry.command); }},
    element('b', {}, '/' + entry.command), element('span', {}, entry.description))));
  chat.pane.append(box);
}
document.addEventListener('click', event => {
  for (const box of document.querySelectorAll('.commands')) if (!box.contains(event.target) && !event.target.closest('.menu')) box.remove();
});

async function create(name, speaks) {
  const answer = await post('control/user', {user: {first_name: name, language_code: speaks}});
  const chat = chatOf(answer.chat_id);
  chat.user = answer.user;
  if (!open.includes(chat.id)) show(chat.id);
}

function addPerson() {
  byID('add-name').value = ''; byID('add-language').value = language;
  byID('add').showModal(); byID('add-name').focus();
}
byID('add-form').addEventListener('submit', () => { const name = byID('add-name').value.trim(); if (name) create(name, byID('add-language').value); });
byID('add-cancel').addEventListener('click', () => byID('add').close());
byID('alert-close').addEventListener('click', () => byID('alert').close());
byID('language').addEventListener('click', () => { language = language === 'ru' ? 'en' : 'ru'; store.write('language', language); draw(); });
narrow.addEventListener('change', draw);

let toastTimer;
function toast(text) {
  const box = byID('toast');
  box.textContent = text; box.hidden = false;
  clearTimeout(toastTimer); toastTimer = setTimeout(() => { box.hidden = true; }, 4000);
}

function typing(chat, isTyping) {
  const state = chat.pane?.querySelector('.state');
  if (!state) return;
  clearTimeout(chat.typing);
  state.classList.toggle('typing', isTyping);
  if (!isTyping) { state.textContent = stateText(chat); return; }
  state.replaceChildren(say('typing'), element('span', {class: 'dots'}, element('i'), element('i'), element('i')));
  chat.typing = setTimeout(() => typing(chat, false), 5000);
}

// ---- Events

const handle = {
  message(chat, event) {
    if (event.message.from.is_bot) typing(chat, false);
    const isSeen = open.includes(chat.id) && (!narrow.matches || current === chat.id);
    if (event.message.from.is_bot && !isSeen) { chat.unread += 1; drawPeople(); }
    put(chat, event.message);
  },
  edit(chat, event) { put(chat, event.message); },
  delete(chat, event) { chat.messages.delete(event.message_id); chat.pane?.querySelector(`[data-id="${event.message_id}"]`)?.remove(); },
  action(chat) { typing(chat, true); },
  answer(chat, event) {
    for (const busy of chat.pane?.querySelectorAll('.busy') || []) busy.classList.remove('busy');
    if (!event.answer.text || !open.includes(chat.id)) return;
    if (event.answer.show_alert) { byID('alert-text').textContent = event.answer.text; byID('alert').showModal(); } else toast(event.answer.text);
  },
  user(chat, event) { chat.user = event.user; drawPeople(); if (!open.length) show(chat.id); },
  chat() { drawPeople(); },
  membership(chat, event) { chat.status = event.status; chat.pane = null; draw(); },
};

function listen() {
  const source = new EventSource('events');
  source.onopen = () => { byID('offline').hidden = true; load(); };
  source.onerror = () => { byID('offline').hidden = false; if (source.readyState === EventSource.CLOSED) { source.close(); setTimeout(listen, 2000); } };
  source.onmessage = message => {
    const event = JSON.parse(message.data);
    if (event.type === 'commands') { commands = event.commands; return; }
    if (handle[event.type]) handle[event.type](chatOf(event.chat_id), event);
  };
}
draw();
listen();
