/** Names of events that are known to every site. */
export const EVENTS = (
  'page_view file_download outbound_click form_start form_submit search scroll sign_up login generate_lead start_trial ' +
  'book_demo contact view_item add_to_cart begin_checkout purchase refund share invite nps'
).split(' ');
